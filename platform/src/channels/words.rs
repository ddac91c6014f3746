//! What the pages of channels say, once per language.

use crate::ui::Language;

/// The words, by what they are for.
#[derive(Debug)]
pub struct Words {
    pub none: &'static str,
    pub name: &'static str,
    pub kind: &'static str,
    pub state: &'static str,
    pub works: &'static str,
    pub paused: &'static str,
    pub shared: &'static str,
    pub configured: &'static str,
    pub change: &'static str,
    pub remove: &'static str,
    pub test: &'static str,
    pub add: &'static str,
    pub add_text: &'static str,
    pub add_this: &'static str,
    pub save: &'static str,
    pub name_text: &'static str,
    pub for_all: &'static str,
    pub for_all_text: &'static str,
    pub secret_kept: &'static str,
    pub test_sent: &'static str,
    pub test_failed: &'static str,
    pub back: &'static str,
    pub per_minute: fn(u32) -> String,
}

/// Those of a language.
pub fn words(language: Language) -> &'static Words {
    match language {
        Language::English => &EN,
        Language::Chinese => &ZH,
    }
}

static EN: Words = Words {
    none: "There are no channels yet. Until there are, alerts go to members by mail.",
    name: "Name",
    kind: "Kind",
    state: "State",
    works: "Works",
    paused: "Paused",
    shared: "The organisation's",
    configured: "From the installation's configuration",
    change: "Change",
    remove: "Remove",
    test: "Send a test",
    add: "Add a channel",
    add_text: "Choose where alerts are to go. Rules say which.",
    add_this: "Add the channel",
    save: "Save changes",
    name_text: "How rules and histories call it.",
    for_all: "For all projects of the organisation",
    for_all_text: "Every project's rules may use it. Only the organisation's managers change it.",
    secret_kept: "It is kept encrypted and never shown. Leave this empty to keep it.",
    test_sent: "The test was taken:",
    test_failed: "The test was not taken:",
    back: "All channels",
    per_minute: |number| format!("At most {number} messages a minute; more are told together."),
};

static ZH: Words = Words {
    none: "还没有渠道。在此之前，告警通过邮件发送给成员。",
    name: "名称",
    kind: "类型",
    state: "状态",
    works: "正常",
    paused: "已暂停",
    shared: "组织共用",
    configured: "来自部署配置",
    change: "修改",
    remove: "删除",
    test: "发送测试",
    add: "添加渠道",
    add_text: "选择告警发送到哪里；由规则决定发送什么。",
    add_this: "添加渠道",
    save: "保存修改",
    name_text: "在规则和历史记录中显示的名称。",
    for_all: "供组织的所有项目使用",
    for_all_text: "所有项目的规则都可以使用；只有组织管理者可以修改。",
    secret_kept: "已加密保存，不再显示。留空则保持不变。",
    test_sent: "测试消息已送达：",
    test_failed: "测试消息未送达：",
    back: "所有渠道",
    per_minute: |number| format!("每分钟最多 {number} 条消息，超出的合并发送。"),
};
