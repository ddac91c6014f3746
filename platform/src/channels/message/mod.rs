//! What people are told, before a channel puts it into its own form. Pure.

mod act;
mod markdown;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use super::schema::{Both, both};
use crate::{protocol::Level, ui::Language};
pub use act::{Act, Fix};

/// As much of a title is told.
const LONGEST_TITLE: usize = 300;

/// What is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    New,
    /// It was resolved, and happened again.
    Regressed,
    /// It was ignored until now.
    Unignored,
    /// It happened, and a rule wants that to be told.
    Happened,
    Resolved,
    /// It was given to somebody.
    Assigned,
    Commented,
    /// A comment names the reader.
    Mentioned,
    /// Nothing: somebody tries a channel.
    Test,
}

impl News {
    fn words(self) -> Both {
        match self {
            News::New => both("New", "新问题"),
            News::Regressed => both("Resolved and back", "已解决的问题再次出现"),
            News::Unignored => both("Ignored until now", "已忽略的问题值得关注"),
            News::Happened => both("Happening", "正在发生"),
            News::Resolved => both("Resolved", "已解决"),
            News::Assigned => both("Assigned", "已分配"),
            News::Commented => both("Commented", "有新评论"),
            News::Mentioned => both("Mentioned", "提到了你"),
            News::Test => both("Test", "测试"),
        }
    }

    /// As machines are told.
    pub fn name(self) -> &'static str {
        match self {
            News::New => "new",
            News::Regressed => "regressed",
            News::Unignored => "unignored",
            News::Happened => "happened",
            News::Resolved => "resolved",
            News::Assigned => "assigned",
            News::Commented => "commented",
            News::Mentioned => "mentioned",
            News::Test => "test",
        }
    }
}

/// One thing to tell about one issue.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub news: News,
    /// The rule that has it told.
    pub rule: String,
    pub organization: String,
    pub project: String,
    pub project_name: String,
    pub issue: i64,
    /// `SHOP-7`
    pub short_id: String,
    pub event: Uuid,
    pub title: String,
    pub culprit: String,
    pub level: Level,
    pub environment: Option<String>,
    pub release: Option<String>,
    pub events: i64,
    pub users: i64,
    pub first_seen: DateTime<Utc>,
    pub last_seen: DateTime<Utc>,
    pub assignee: Option<Assignee>,
    /// What somebody did, where that is what is told.
    pub act: Option<Act>,
    pub url: String,
}

/// Who sees to an issue: a person, or a team with its members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignee {
    pub name: String,
    pub contacts: Vec<Contact>,
}

/// By what a robot of a chat calls somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// `mobile`, or a kind of channel.
    pub kind: String,
    pub value: String,
}

impl Notice {
    /// What the assignee is called by in a chat, or by mobile number.
    pub fn called_by(&self, kind: &str) -> Vec<&str> {
        let contacts = self.assignee.iter().flat_map(|assignee| &assignee.contacts);
        contacts.filter(|contact| contact.kind == kind).map(|contact| contact.value.as_str()).collect()
    }
}

/// Many things that could not be told one by one.
#[derive(Clone, Debug, PartialEq)]
pub struct Digest {
    /// How many there were.
    pub alerts: i64,
    /// About how many issues.
    pub issues: i64,
    pub since: DateTime<Utc>,
    pub until: DateTime<Utc>,
    /// The issues that were told of most, with how often.
    pub lines: Vec<(Notice, i64)>,
    /// Where the rest is.
    pub url: String,
}

/// What is told.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum Message {
    Alert(Notice),
    Digest(Digest),
}

/// Who reads it, and when it is sent.
#[derive(Clone, Copy, Debug)]
pub struct Sending {
    /// The same when it is tried again.
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub language: Language,
    pub zone: Tz,
}

impl Sending {
    /// A moment, as the reader's clock shows it.
    pub fn time(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%Y-%m-%d %H:%M:%S %Z").to_string()
    }
}

impl Notice {
    /// Of an issue that never was, for trying a channel.
    pub fn example(organization: &str, project: &str, url: &str, now: DateTime<Utc>) -> Notice {
        Notice {
            news: News::Test,
            rule: String::new(),
            organization: organization.to_owned(),
            project: project.to_owned(),
            project_name: project.to_owned(),
            issue: 0,
            short_id: format!("{}-1", project.to_uppercase()),
            event: Uuid::nil(),
            title: "TestError: This is a test".to_owned(),
            culprit: "picket in test".to_owned(),
            level: Level::Error,
            environment: Some("test".to_owned()),
            release: Some("test@1.0".to_owned()),
            events: 1,
            users: 1,
            first_seen: now,
            last_seen: now,
            assignee: None,
            act: None,
            url: url.to_owned(),
        }
    }

    /// `New: error in Shop`
    pub fn headline(&self, language: Language) -> String {
        if let Some(said) = self.act.as_ref().and_then(|act| act.headline(self.news, language)) {
            return said;
        }
        let (news, level, project) = (self.news.words().of(language), self.level.name(), &self.project_name);
        match (self.news, language) {
            (News::Test, Language::English) => format!("Test: this is how {project} tells of an issue"),
            (News::Test, Language::Chinese) => format!("测试：{project} 的告警消息就是这个样子"),
            (_, Language::English) => format!("{news}: {level} in {project}"),
            (_, Language::Chinese) => format!("{project} {news}（{level}）"),
        }
    }

    /// The title on one line, and no longer than anybody reads.
    pub fn title(&self) -> String {
        shorten(&self.title, LONGEST_TITLE)
    }

    /// What else is known, with names.
    pub fn facts(&self, sending: &Sending) -> Vec<(&'static str, String)> {
        let say = |words: Both| words.of(sending.language);
        let mut facts = vec![(say(both("Level", "级别")), self.level.name().to_owned())];
        let optional = [(both("Environment", "环境"), &self.environment), (both("Release", "版本"), &self.release)];
        facts.extend(optional.into_iter().filter_map(|(name, value)| Some((say(name), shorten(value.as_ref()?, 200)))));
        facts.push((say(both("Events", "事件数")), self.events.to_string()));
        if self.users > 0 {
            facts.push((say(both("Users", "用户数")), self.users.to_string()));
        }
        if let Some(assignee) = &self.assignee {
            facts.push((say(both("Assigned to", "负责人")), shorten(&assignee.name, 100)));
        }
        facts.push((say(both("First seen", "首次出现")), sending.time(self.first_seen)));
        facts.push((say(both("Last seen", "最近出现")), sending.time(self.last_seen)));
        if !self.rule.is_empty() {
            facts.push((say(both("Rule", "规则")), shorten(&self.rule, 200)));
        }
        facts
    }
}

impl Digest {
    /// What it is, in a line.
    pub fn headline(&self, language: Language) -> String {
        let Digest { alerts, issues, .. } = self;
        match language {
            Language::English => {
                let (alerts, issues) = (many(*alerts, "alert"), many(*issues, "issue"));
                format!("{alerts} about {issues}, told together")
            }
            Language::Chinese => format!("{alerts} 条告警汇总，涉及 {issues} 个问题"),
        }
    }

    /// Why they were not told one by one.
    pub fn why(&self, sending: &Sending) -> String {
        let (since, until) = (sending.time(self.since), sending.time(self.until));
        match sending.language {
            Language::English => {
                format!(
                    "More came between {since} and {until} than this channel takes one by one. None is left out of the count."
                )
            }
            Language::Chinese => {
                format!("{since} 至 {until} 之间的告警超出了该渠道逐条发送的限额，已合并为一条；总数没有遗漏。")
            }
        }
    }

    /// Issues that are counted and not named.
    pub fn unnamed(&self) -> i64 {
        (self.issues - i64::try_from(self.lines.len()).unwrap_or(i64::MAX)).max(0)
    }

    /// That they are, in words.
    pub fn and_more(&self, language: Language) -> Option<String> {
        let more = self.unnamed();
        (more > 0).then(|| match language {
            Language::English => format!("and {}", many(more, "more issue")),
            Language::Chinese => format!("另有 {more} 个问题"),
        })
    }
}

impl Message {
    /// What it is, in a line.
    pub fn headline(&self, language: Language) -> String {
        match self {
            Message::Alert(notice) => notice.headline(language),
            Message::Digest(digest) => digest.headline(language),
        }
    }

    /// Where to read on.
    pub fn url(&self) -> &str {
        match self {
            Message::Alert(notice) => &notice.url,
            Message::Digest(digest) => &digest.url,
        }
    }
}

/// The link to the issue, or to all of them.
pub const OPEN: Both = both("Open in Picket", "在 Picket 中查看");

/// `1 issue`, `2 issues`
fn many(number: i64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// One line of at most so many characters.
pub fn shorten(text: &str, longest: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(longest) {
        None => line,
        Some((end, _)) => format!("{}…", &line[..end]),
    }
}

#[cfg(test)]
pub mod tests;
