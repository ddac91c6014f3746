//! Simplified Chinese.

use super::{Phrases, Unit};
use crate::protocol::{
    grouping::{Variant, Why},
    remarks::What,
};

/// Simplified Chinese.
pub static ZH: Phrases = Phrases {
    skip: "跳到正文",
    projects: "项目",
    sections: "栏目",
    issues: "问题",
    issue: "问题",
    setup: "接入",
    settings: "设置",
    sign_in: "登录",
    sign_out: "退出",
    sign_in_failed: "邮箱或密码不正确。",
    email: "邮箱",
    password: "密码",
    home: "返回首页",
    error_id: "错误编号",
    not_found: "页面不存在",
    not_found_text: "它可能已被删除、从未存在，或者你没有查看的权限。",
    refused: "请求被拒绝",
    refused_text: "此请求来自其他网站。请在本站打开页面后重试。",
    bad_request: "请求无法处理",
    bad_request_text: "服务器无法理解该请求。",
    unavailable: "请稍候",
    unavailable_text: "服务器繁忙或正在启动，请稍后重试。",
    our_fault: "出错了",
    our_fault_text: "这是我们的问题，已按下面的编号记入日志。",
    no_projects: "还没有项目",
    no_projects_text: "每个项目接收一个应用的事件。服务器管理员可以这样创建：",
    status: "状态",
    unresolved: "未解决",
    resolved: "已解决",
    ignored: "已忽略",
    all: "全部",
    resolve: "解决",
    ignore: "忽略",
    reopen: "重新打开",
    search: "搜索",
    search_hint: "搜索标题，或输入 is:resolved",
    search_too_slow: "搜索耗时过长，已停止。请缩小范围：按时间、标签，或加上 is:unresolved。",
    nothing_found: "没有找到",
    nothing_found_text: "没有符合条件的问题。换一个状态或减少关键词试试。",
    last_24_hours: "最近 24 小时",
    last_14_days: "最近 14 天",
    events: "事件",
    event: "事件",
    first_seen: "首次出现",
    last_seen: "最近出现",
    pages: "翻页",
    newer: "较新",
    older: "较旧",
    newest: "最新",
    oldest: "最早",
    no_events: "已没有保存的事件",
    no_events_text: "计数仍然保留，但事件已超过保存期限。",
    stack_trace: "调用栈",
    unhandled: "未捕获",
    mechanism: "捕获方式",
    in_app: "应用",
    library_frames: "个库调用帧",
    caused_by: "起因",
    message: "消息",
    breadcrumbs: "面包屑",
    earlier: "条更早的记录",
    request: "请求",
    body: "正文",
    headers: "请求头",
    extra: "附加数据",
    tags: "标签",
    user: "用户",
    user_report: "用户反馈",
    attachments: "附件",
    occurred: "发生",
    received: "接收",
    copy: "复制",
    copied: "已复制",
    look_again: "刷新查看",
    just_now: "刚刚",
    changes: "处理记录",
    changes_text: "事件保存之前，Picket 去掉了无法识别的内容，截短了过长的内容，并清除了隐私内容。",
    remark,
    grouping: "归入此问题的原因",
    grouping_version: "版本",
    fingerprint: "指纹",
    fingerprint_rule: "指纹规则",
    stack_rule: "堆栈规则",
    grouped_otherwise: "收到此事件时，是由其他版本或其他规则分组的。以下是按当前设置会计入的内容。",
    does_not_count: "不计入",
    grouping_variant,
    grouping_why,
    grouping_part,
    ago,
};

fn ago(number: i64, unit: Unit) -> String {
    let unit = match unit {
        Unit::Minute => "分钟",
        Unit::Hour => "小时",
        Unit::Day => "天",
        Unit::Month => "个月",
        Unit::Year => "年",
    };
    format!("{number} {unit}前")
}

fn grouping_variant(variant: Variant) -> &'static str {
    match variant {
        Variant::Custom => "自定义指纹",
        Variant::Report => "安全报告",
        Variant::App => "应用堆栈",
        Variant::System => "完整堆栈",
        Variant::Value => "异常类型与内容",
        Variant::Template => "模板",
        Variant::Message => "消息",
        Variant::Nothing => "无",
    }
}

fn grouping_why(why: Why) -> &'static str {
    match why {
        Why::Counts => "",
        Why::NotInApp => "不属于应用",
        Why::RuntimesOwn => "属于运行时或 SDK",
        Why::Recursion => "递归",
        Why::EndlessRecursion => "无限递归",
        Why::BeyondMaxFrames => "超出 max-frames",
        Why::TellsNothing => "没有稳定的信息",
        Why::Unnamed => "匿名函数，旁边已有同一文件的具名函数",
        Why::StackRule => "堆栈规则",
        Why::HandlersWord => "由捕获方式给出，并非程序抛出",
        Why::Frames => "以调用帧为准",
        Why::OtherFrames => "以另一个异常的调用帧为准",
        Why::Fingerprint => "以指纹为准",
        Why::AppFrames => "以应用的调用帧为准",
        Why::NoAppFrame => "没有应用的调用帧计入",
    }
}

fn grouping_part(part: &'static str) -> &'static str {
    match part {
        "type" => "类型",
        "frame" => "调用帧",
        "value" => "内容",
        "message" => "消息",
        "template" => "模板",
        "line" => "代码行",
        "kind" => "种类",
        "directive" => "指令",
        "blocked" => "被阻止",
        "policy" => "策略",
        "host" => "主机",
        other => other,
    }
}

fn remark(what: &What) -> String {
    match what {
        What::Invalid => "无法识别，已去掉".into(),
        What::Unknown => "未知属性，已去掉".into(),
        What::TooLong => "过长，已去掉".into(),
        What::ClockDrift => "发送方时钟有误，各时间已按差值修正".into(),
        What::Past => "时间过早，已改用接收时间".into(),
        What::Future => "时间在未来，已改用接收时间".into(),
        What::Error(kind) => kind.clone(),
        What::Removed => "已移除".into(),
        What::Replaced => "已全部或部分替换".into(),
        What::Masked => "已遮盖".into(),
        What::Hashed => "已替换为散列值".into(),
        What::Shortened(length) => format!("原有 {length} 个字符，已截短"),
        What::Fewer(length) => format!("原有 {length} 项，部分已去掉"),
    }
}
