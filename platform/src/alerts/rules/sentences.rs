//! Terms and actions as people read them, in both languages.

use super::{
    Action, Term,
    terms::{Match, Order, Whom},
};
use crate::ui::Language;

/// What a condition or a filter says.
pub fn term(term: &Term, language: Language) -> String {
    let say = |en: &str, zh: &str| if language == Language::English { en.to_owned() } else { zh.to_owned() };
    match term {
        Term::EveryEvent => say("An event happens", "发生任意事件"),
        Term::FirstSeen => say("A new issue is seen for the first time", "首次出现新问题"),
        Term::Regression => say("A resolved issue happens again", "已解决的问题再次出现"),
        Term::Reappeared => say("An ignored issue is worth a look", "已忽略的问题重新打开"),
        Term::Events { more_than, seconds } => {
            let (en, zh) = spans(*seconds);
            say(
                &format!("An issue happens more than {} in {en}", many(*more_than, "time")),
                &format!("问题在{zh}内出现超过 {more_than} 次"),
            )
        }
        Term::Users { more_than, seconds } => {
            let (en, zh) = spans(*seconds);
            say(
                &format!("An issue hurts more than {} in {en}", many(*more_than, "user")),
                &format!("问题在{zh}内影响超过 {more_than} 个用户"),
            )
        }
        Term::Level { level, order } => {
            let (en, zh) = match order {
                Order::AtLeast => ("at least", "不低于"),
                Order::AtMost => ("at most", "不高于"),
                Order::Exactly => ("exactly", "等于"),
            };
            say(&format!("The level is {en} {}", level.name()), &format!("级别{zh} {}", level.name()))
        }
        Term::Tag { key, how, value } => compared(&say("The tag", "标签"), key, (*how, value), language),
        Term::Attribute { attribute, how, value } => {
            compared(&say("The event's", "事件的"), attribute, (*how, value), language)
        }
        Term::Age { order, seconds } => {
            let older = *order == Order::AtLeast;
            let (en, zh) = spans(*seconds);
            let (how_en, how_zh) = if older { ("older", "早于") } else { ("younger", "晚于") };
            say(&format!("The issue is {how_en} than {en}"), &format!("问题首次出现{how_zh}{zh}前"))
        }
        Term::Occurrences { at_least } => say(
            &format!("The issue has happened at least {}", many(*at_least, "time")),
            &format!("问题累计出现至少 {at_least} 次"),
        ),
        Term::Assigned(Whom::Nobody) => say("The issue is assigned to nobody", "问题未分配"),
        Term::Assigned(Whom::Member(user)) => {
            say(&format!("The issue is assigned to member {}", user.0), &format!("问题分配给成员 {}", user.0))
        }
        Term::Assigned(Whom::Team(number)) => {
            say(&format!("The issue is assigned to team {number}"), &format!("问题分配给团队 {number}"))
        }
        Term::LatestRelease => say("The event is of the latest release", "事件来自最新版本"),
    }
}

/// What an action does; channels are called what `channel` says.
pub fn action(action: &Action, language: Language, channel: impl Fn(i64) -> Option<String>) -> String {
    let say = |en: &str, zh: &str| if language == Language::English { en.to_owned() } else { zh.to_owned() };
    match action {
        Action::Everything => say("Mail members, and tell every channel", "邮件通知成员，并发送到所有渠道"),
        Action::Members => say("Mail the members", "邮件通知成员"),
        Action::Member(user) => say(&format!("Mail member {}", user.0), &format!("邮件通知成员 {}", user.0)),
        Action::Channel(id) => match channel(id.0) {
            Some(name) => say(&format!("Tell {name}"), &format!("发送到 {name}")),
            None => say("Tell a channel that was deleted", "发送到已删除的渠道"),
        },
        Action::Kind(kind) => {
            say(&format!("Tell every channel of the kind {kind}"), &format!("发送到所有 {kind} 渠道"))
        }
    }
}

fn many(number: i64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn spans(seconds: i64) -> (String, String) {
    let units = [(604_800, "week", "周"), (86_400, "day", "天"), (3_600, "hour", "小时"), (60, "minute", "分钟")];
    let fitting = units.into_iter().find(|(unit, ..)| seconds >= *unit && seconds % unit == 0);
    let (unit, en, zh) = fitting.unwrap_or((1, "second", "秒"));
    let number = seconds / unit;
    (many(number, en), format!(" {number} {zh}"))
}

fn compared(of: &str, name: &str, (how, value): (Match, &str), language: Language) -> String {
    let (en, zh) = match how {
        Match::Equal => ("is", "等于"),
        Match::NotEqual => ("is not", "不等于"),
        Match::StartsWith => ("begins with", "开头为"),
        Match::NotStartsWith => ("does not begin with", "开头不为"),
        Match::EndsWith => ("ends with", "结尾为"),
        Match::NotEndsWith => ("does not end with", "结尾不为"),
        Match::Contains => ("contains", "包含"),
        Match::NotContains => ("does not contain", "不包含"),
        Match::IsSet => ("is set", "已设置"),
        Match::IsNotSet => ("is not set", "未设置"),
    };
    let words = if language == Language::English { en } else { zh };
    match how {
        Match::IsSet | Match::IsNotSet => format!("{of} {name} {words}"),
        _ => format!("{of} {name} {words} {value}"),
    }
}
