//! Simplified Chinese.

use super::{Words, said};
use crate::{
    projects::settings::wrong::{Fault, Wrong},
    protocol::grouping::Version,
};

/// Simplified Chinese.
pub static ZH: Words = Words {
    general: "常规",
    general_text: "项目的名称，以及谁可以向它上报。",
    keys: "客户端密钥",
    keys_text: "SDK 使用密钥的 DSN 上报。可以同时有多个有效密钥，方便用新的替换旧的。",
    environments: "环境",
    environments_text: "事件注明的来源环境。隐藏后菜单中不再列出；事件仍然保留，也能搜索到。",
    filters: "入站过滤",
    filters_text: "被过滤的事件不会保存、不会告警，也不占用配额。过滤了多少可在“配额”中查看。",
    privacy: "隐私",
    privacy_text: "事件保存之前会去除的内容。更改只影响此后收到的事件。",
    grouping: "分组",
    grouping_text: "哪些事件属于同一个问题。更改只影响此后收到的事件。",
    quotas: "配额",
    quotas_text: "一段时间内最多可以发送多少。超出的会被拒绝，并通知 SDK 暂停发送。",
    alerts: "告警规则",
    alerts_text: "什么情况通知谁，以及多久一次。",
    channels: "渠道",
    channels_text: "告警发送到哪里：聊天机器人、值班系统、Webhook 和邮箱。",
    read_only: "你可以查看这些设置，但不能修改：只有组织的管理员、经理和所有者可以修改。",
    save: "保存更改",
    saved: "更改已保存，五秒内生效。",
    not_saved: "未保存任何更改：请检查标出的字段。",
    demanded: "组织要求",
    newest: "最新",
    other: "其他",
    wrong,

    identity: said("项目", ""),
    name: said("名称", ""),
    slug: said("标识", "用于网址和问题编号。只能使用小写字母、数字、- 和 _。"),
    platform: said("平台", "接入时首先显示哪一份指南。"),
    behaviour: said("行为", ""),
    origins: said(
        "允许的来源",
        "哪些网站的页面可以发送，每行一个：*、shop.example、*.shop.example、https://shop.example:8443。留空则只有服务器和应用可以发送。",
    ),
    resolve_age: said("自动解决沉默的问题", "超过这么多小时没有事件的问题视为已解决。0 表示从不。"),

    noise: said("常见噪音", ""),
    browser_extensions: said("浏览器扩展", "访客浏览器中的扩展和工具栏在页面里引起的错误。"),
    web_crawlers: said("网络爬虫", "搜索引擎和其他机器人遇到的错误。"),
    localhost: said("本地机器", "来自 localhost、127.0.0.1 和 ::1 的事件：开发者自己就能看到。"),
    hydration_errors: said("React 水合错误", "页面的 HTML 与 React 预期不一致时的报错。"),
    chunk_load_errors: said("代码块加载错误", "页面打开期间，新的部署移除了它的部分代码。"),
    health_checks: said("健康检查", "/healthz、/ready、/ping 等的事务。"),
    legacy_browsers: said("旧浏览器", "不再支持的浏览器中的错误。"),
    browsers: said("浏览器", ""),
    usual_browsers: "常见的：IE 9 及更早，以及旧版 Opera、Android 和 Safari",
    own_filters: said("自定义过滤", "每行一条。* 匹配任意内容，[ab] 和 {this,that} 表示任选其一。"),
    error_messages: said("错误消息", "形如“类型: 消息”，例如 *ResizeObserver loop* 或 ConnectionError: *。"),
    releases: said("版本", "例如 shop@0.* 或 *-beta。"),
    client_ips: said("客户端地址", "例如 192.0.2.7、10.0.0.0/8 或 2001:db8::/32。"),
    csp_sources: said("策略违规来源", "这些来源对 Content-Security-Policy 的违规无关紧要，例如 chrome-extension://*。"),

    scrubbing: said("数据清理", ""),
    scrub_data: said("清理数据", "替换敏感字段的值。关闭后只应用下面的高级规则。"),
    scrub_defaults: said("默认规则", "密码、令牌、密钥、信用卡号等不应被看到的内容。"),
    scrub_addresses: said("IP 地址", "完全不保存，因此也无法据此区分用户。"),
    scrubbed_fields: said("字段", "每行一个名称。名称的一部分即可：ticket 也匹配 ticket_number。"),
    sensitive_fields: said("敏感字段", "无论出现在哪里，其值都会被替换。"),
    safe_fields: said("安全字段", "其值会保留，即使有规则要替换它。"),
    advanced: said("高级规则", ""),
    advanced_rules: said(
        "带选择器的规则",
        "采用 Sentry 的 JSON 格式：{\"rules\": {…}, \"applications\": {\"$string\": [\"@email\"]}}。无论是否开启清理都会应用。",
    ),

    version: said("版本", "选择其他版本后的 90 天内，新分组未知的事件仍会按原版本查找，使问题得以延续。"),
    versions: said("版本", ""),
    version_changes,
    rules: said("规则", "每行一条；# 开头为注释。"),
    fingerprint_rules: said(
        "指纹规则",
        "为匹配的事件指定分组：error.type:TimeoutError -> timeouts title=\"Timeouts\"。以第一条匹配的规则为准。",
    ),
    stack_rules: said(
        "堆栈规则",
        "指定哪些调用帧属于应用、哪些计入分组：stack.module:vendor.** -app，或 family:native function:panic* ^-group。",
    ),

    key_created: "密钥已创建。",
    keys_rotated: "新密钥已创建。之前的密钥到期前仍然有效。",
    key_renamed: "密钥已重命名。",
    key_enabled: "密钥将在五秒内重新生效。",
    key_disabled: "使用该密钥发送的内容将在五秒内开始被拒绝。",
    key_label: "名称",
    created: "创建于",
    works: "有效",
    works_until: "有效期至",
    ended: "已到期",
    disabled: "已停用",
    disable: "停用",
    enable: "启用",
    rename: "重命名",
    limits: "速率限制",
    new_key: said("新建密钥", "为应用的一部分使用单独的密钥，便可以单独限制和停用。"),
    create_key: "创建密钥",
    rotate: said("轮换", "创建一个新密钥来接替现有的全部密钥。现有密钥会继续有效一段时间，以便应用更换。"),
    rotate_keys: "轮换密钥",
    overlap: "现有密钥继续有效",
    overlaps: ["立即失效", "1 小时", "1 天", "7 天", "30 天"],
    no_label: "名称应为 1 到 64 个字符。",
    key_usage: |taken, filtered, over| format!("已接收 {taken}，已过滤 {filtered}，超出配额 {over}"),
    key_unused: "最近 24 小时没有使用该密钥的上报。",
    key_removed: "密钥已删除，使用它的上报将在五秒内被拒绝。",
    sent_24_hours: "最近 24 小时的错误",

    environment: "环境",
    environment_hidden: "环境已隐藏。",
    environment_shown: "环境已重新显示。",
    no_environments: "还没有事件注明环境。SDK 通过 environment 选项发送。",
    hidden: "已隐藏",
    shown: "显示",
    hide_it: "隐藏",
    show_it: "显示",
    change: "更改",

    remove_project: "删除项目",
    removal: said("永久删除该项目", "无法恢复：删除的内容不会进入回收站。"),
    removal_means: [
        "它的问题、事件、文件、告警规则、密钥和设置都会被删除。",
        "向它上报的应用将在五秒内被拒绝。",
        "它会立即从所有页面消失；数据库在后台清理。",
    ],
    type_slug: |slug| format!("输入 {slug} 以确认"),
    wrong_slug: "这不是该项目的标识，未删除任何内容。",
    project_deleted: "项目已删除。",

    quota_set: "配额已设置，五秒内生效。",
    quota_removed: "配额将在五秒内移除。",
    rule_saved: "规则已保存，将在五秒内生效。",
    rule_muted: "规则已静音。",
    rule_woken: "规则已取消静音。",
    rule_removed: "规则已删除。",
    channel_saved: "渠道已保存，可以发送测试检查是否正常。",
    channel_removed: "渠道已删除。",
    used: said("最近 24 小时", "发送到该项目的内容及其去向。"),
    nothing_sent: "最近 24 小时没有收到任何内容。",
    category: "类别",
    accepted: "已保存",
    filtered: "已过滤",
    limited: "超出配额",
    invalid: "无法使用",
    not_sent: "SDK 未发送",
    reasons: "原因",
    quotas_set: said("配额", "任何一个用完即会拒绝。"),
    no_quotas: "没有适用于该项目的配额。",
    whose: "适用于",
    whole_installation: "整个安装",
    whole_organization: "整个组织",
    whole_project: "该项目",
    one_key: "密钥",
    at_most: "最多",
    most_text: "0 表示全部拒绝。附件按字节计算。",
    in_time: "时间",
    all_categories: "全部",
    remove: "移除",
    set_elsewhere: "由服务器管理员设置",
    new_quota: said("设置配额", "密钥、类别和时间相同的配额会被替换。"),
    set_quota: "设置配额",
    units: ["分钟", "小时", "天"],
    wrong_most: "请输入不小于 0 的整数。",
    wrong_window: "请输入 1 分钟到 366 天之间的时间。",
    wrong_owner: "该项目没有这个密钥。",
    category_name,
    window,

    setup_heading: "接入你的应用",
    setup_text: "选择应用运行的平台，DSN 已经填好。",
    platforms: "平台",
    older_sdks: "旧版 SDK",
    install: "安装",
    configure: "配置",
    send: "发送测试事件",
    send_text: "运行一次即可，事件会在几秒内出现。",
    waiting: "正在等待第一个事件",
    waiting_text: "收到后这里会自动更新。",
    received: "已收到第一个事件",
    received_text: "应用正在向此项目上报。",
    see_issues: "查看问题",
    no_key: "该项目没有有效的密钥。请在“设置”的“客户端密钥”中创建或启用。",

    unresolved_issues: "未解决",
    events_24_hours: "24 小时",
    events_14_days: "14 天",
    errors_14_days: "最近 14 天的错误",
    never_reported: "尚未收到任何内容。",
    set_up: "去接入",
    no_projects_here: "该组织还没有项目。服务器管理员可以这样创建：",
};

fn version_changes(version: Version) -> &'static str {
    match version {
        Version::Legacy => "与 Sentry 9.1 的分组方式相同，消息按全文分组。",
        Version::Picket1 => "忽略消息中的参数，并从堆栈中去除生成的名称、运行时的包装和递归。",
    }
}

fn category_name(category: &str) -> &str {
    match category {
        "error" => "错误",
        "default" => "消息",
        "transaction" => "事务",
        "security" => "安全报告",
        "attachment" => "附件（字节）",
        "session" => "会话",
        "monitor" => "签到",
        "feedback" => "反馈",
        "span" => "跨度",
        "log_item" => "日志",
        "profile" => "性能剖析",
        "replay" => "回放",
        other => other,
    }
}

fn window(seconds: i64) -> String {
    match seconds {
        s if s % 86_400 == 0 => format!("{} 天", s / 86_400),
        s if s % 3_600 == 0 => format!("{} 小时", s / 3_600),
        s if s % 60 == 0 => format!("{} 分钟", s / 60),
        s => format!("{s} 秒"),
    }
}

fn wrong(wrong: &Wrong) -> String {
    match wrong {
        Wrong::NoSwitch => "应为开或关。".into(),
        Wrong::NoHours(most) => format!("请输入小时数，最多 {most}；0 表示从不。"),
        Wrong::NoList => "应为文本列表。".into(),
        Wrong::TooMany(most) => format!("最多保存 {most} 条。"),
        Wrong::Entry(entry, fault) => format!("“{entry}”{}。", fault_of(*fault)),
        Wrong::UnknownVersion(id) => format!("没有分组版本“{id}”。"),
        Wrong::NoTime => "应为自 1970 年起的秒数。".into(),
        Wrong::TooFar => "时间太远。".into(),
        Wrong::Missing => "此项不能缺少。".into(),
        Wrong::NoText => "应为文本。".into(),
        Wrong::TooLong(most) => format!("最多保存 {most} 字节。"),
        Wrong::HasNull => "不能包含空字符。".into(),
        Wrong::Rule(error) => {
            format!("第 {} 行第 {} 列的规则无法读取：{}", error.line, error.column, problem(&error.problem))
        }
        Wrong::PrivacyRule(problem) => format!("规则无法读取：{problem}"),
        Wrong::NoObject => "应为 JSON 对象。".into(),
        Wrong::NoJson(line, problem) => format!("第 {line} 行不是有效的 JSON：{problem}"),
        Wrong::Blank => "此项不能为空。".into(),
        Wrong::NoSlug => "只能使用小写字母、数字、- 和 _，最多 50 个字符。".into(),
        Wrong::SlugTaken => "组织中的另一个项目已使用此标识。".into(),
    }
}

fn fault_of(fault: Fault) -> &'static str {
    match fault {
        Fault::HasNull => "含有空字符",
        Fault::NoAddress => "既不是地址也不是地址段",
        Fault::NotClosed => "的括号没有闭合",
        Fault::NoBrowser => "不是可选的浏览器",
        Fault::NoOrigin => "不是来源；可以是 *、shop.example、*.shop.example、https://shop.example:8443 或 *:8443",
    }
}

/// What the rules' reader says, as far as it has no word of the rule in it.
fn problem(problem: &str) -> String {
    let known = match problem {
        "expected a value" => "缺少值",
        "a quote is never closed" => "引号没有闭合",
        "expected -> and a fingerprint" => "缺少 -> 和指纹",
        "expected a condition, key:pattern" => "缺少条件（key:pattern）",
        "expected a variable, {{ name }}" => "缺少变量（{{ name }}）",
        "expected a fingerprint after ->" => "-> 之后缺少指纹",
        "expected | after the caller" => "调用者之后缺少 |",
        "expected [ before the callee" => "被调用者之前缺少 [",
        "expected an action, such as -app or +group" => "缺少动作，例如 -app 或 +group",
        "expected ]" => "缺少 ]",
        other => {
            return other
                .replace("unknown key", "未知的键")
                .replace("unknown action", "未知的动作")
                .replace("unknown variable or value", "未知的变量或值");
        }
    };
    known.to_owned()
}
