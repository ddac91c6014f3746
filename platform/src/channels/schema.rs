//! What a kind of channel asks for: its form, its part of the API, and what is wrong with an answer. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::message::Message;
use crate::ui::Language;

/// The longest value of a field.
const LONGEST: usize = 4_000;

/// The same in every language we speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Both {
    pub en: &'static str,
    pub zh: &'static str,
}

/// The same words in both languages.
pub const fn both(en: &'static str, zh: &'static str) -> Both {
    Both { en, zh }
}

impl Both {
    /// In one of them.
    pub fn of(self, language: Language) -> &'static str {
        match language {
            Language::English => self.en,
            Language::Chinese => self.zh,
        }
    }
}

/// One thing a channel is told when it is set up.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    pub label: Both,
    /// A sentence about it; may be empty.
    pub text: Both,
    pub input: Input,
    pub is_required: bool,
    /// What it is unless somebody says otherwise.
    pub default: &'static str,
}

/// How it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    Line,
    /// Encrypted at rest, and never shown again.
    Secret,
    /// An address of another server.
    Url,
    /// Both of them.
    SecretUrl,
    /// A list, an entry a line.
    Lines,
    /// Several lines of one text.
    Text,
    Switch,
    Choice(&'static [(&'static str, Both)]),
}

impl Input {
    /// Whether it is kept from being seen.
    pub fn is_secret(self) -> bool {
        matches!(self, Input::Secret | Input::SecretUrl)
    }

    /// As the API names it.
    fn name(self) -> &'static str {
        match self {
            Input::Line => "string",
            Input::Secret => "secret",
            Input::Url => "url",
            Input::SecretUrl => "secret-url",
            Input::Lines => "list",
            Input::Text => "text",
            Input::Switch => "boolean",
            Input::Choice(_) => "choice",
        }
    }
}

impl Field {
    /// A field that must be filled in.
    pub const fn required(name: &'static str, input: Input, label: Both, text: Both) -> Field {
        Field { name, label, text, input, is_required: true, default: "" }
    }

    /// A field that may be left out.
    pub const fn optional(name: &'static str, input: Input, label: Both, text: Both) -> Field {
        Field { name, label, text, input, is_required: false, default: "" }
    }

    /// The same with what it is unless somebody says otherwise.
    #[must_use]
    pub const fn or(self, default: &'static str) -> Field {
        Field { default, ..self }
    }

    /// As the API describes it.
    pub fn describe(&self) -> Value {
        let choices = match self.input {
            Input::Choice(choices) => json!(choices.iter().map(|(value, _)| *value).collect::<Vec<_>>()),
            _ => Value::Null,
        };
        json!({
            "name": self.name, "label": self.label.en, "help": self.text.en, "type": self.input.name(),
            "required": self.is_required, "default": self.default, "choices": choices,
        })
    }
}

/// In which language a channel speaks; every kind has it.
pub const LANGUAGE: Field = Field::optional(
    "language",
    Input::Choice(&[("en", both("English", "英文")), ("zh", both("Chinese", "中文"))]),
    both("Language", "语言"),
    both("In which messages are written.", "消息使用的语言。"),
)
.or("en");

/// Whether whoever sees to an issue is called by name; kinds that can call somebody have it.
pub const CALL_ASSIGNEE: Field = Field::optional(
    "call_assignee",
    Input::Switch,
    both("Call the assignee", "@ 负责人"),
    both(
        "Whoever an issue is assigned to is called by what they entered in their account.",
        "按成员在个人设置中填写的联系方式 @ 问题的负责人。",
    ),
)
.or("true");

/// What a channel was told, secrets included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config(BTreeMap<String, String>);

impl Config {
    /// From what is kept in the open and what was sealed.
    pub fn new(open: BTreeMap<String, String>, secrets: BTreeMap<String, String>) -> Config {
        let mut values = open;
        values.extend(secrets);
        Config(values)
    }

    /// What the assignee of an issue is called by, where the channel calls them.
    pub fn assignee<'a>(&self, message: &'a Message, kind: &str) -> Vec<&'a str> {
        match message {
            Message::Alert(notice) if self.is_on(CALL_ASSIGNEE.name) => notice.called_by(kind),
            _ => Vec::new(),
        }
    }

    /// A value; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Whether a switch is on.
    pub fn is_on(&self, name: &str) -> bool {
        self.text(name) == "true"
    }

    /// The entries of a list.
    pub fn lines(&self, name: &str) -> Vec<&str> {
        self.text(name).lines().map(str::trim).filter(|line| !line.is_empty()).collect()
    }

    /// In which language it speaks.
    pub fn language(&self) -> Language {
        if self.text("language") == "zh" { Language::Chinese } else { Language::English }
    }

    /// What may be seen, and what may not.
    pub fn split(&self, fields: &[Field]) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
        let is_secret = |name: &str| fields.iter().any(|field| field.name == name && field.input.is_secret());
        self.0.clone().into_iter().partition(|(name, _)| !is_secret(name))
    }
}

/// What is wrong with a field.
pub type Wrong = (String, Both);

const MISSING: Both = both("This is needed.", "此项必填。");
const TOO_LONG: Both = both("This is too long.", "内容过长。");
const NO_URL: Both =
    both("This is no address that begins with https:// or http://.", "这不是以 https:// 或 http:// 开头的地址。");
const NO_CHOICE: Both = both("This is none of the choices.", "这不在可选项之中。");
const NO_SWITCH: Both = both("This is either true or false.", "此项只能是 true 或 false。");
const UNKNOWN: Both = both("There is no such field.", "没有这个字段。");

/// Reads what somebody filled in. A secret that is left out stays what it was.
pub fn read(fields: &[Field], asked: &BTreeMap<String, String>, before: Option<&Config>) -> Result<Config, Vec<Wrong>> {
    let mut wrong: Vec<Wrong> = asked
        .keys()
        .filter(|name| fields.iter().all(|field| field.name != name.as_str()))
        .map(|name| (name.clone(), UNKNOWN))
        .collect();
    let mut values = BTreeMap::new();
    for field in fields {
        let given = asked.get(field.name).map(|value| value.trim());
        let kept = || before.map(|before| before.text(field.name));
        let value = match given {
            Some(given) if !given.is_empty() => given,
            Some(_) if !field.input.is_secret() => "",
            Some(_) => kept().unwrap_or(""),
            None => kept().unwrap_or(field.default),
        };
        match problem(field, value) {
            Some(problem) => wrong.push((field.name.to_owned(), problem)),
            None if value.is_empty() => (),
            None => _ = values.insert(field.name.to_owned(), value.to_owned()),
        }
    }
    if wrong.is_empty() { Ok(Config(values)) } else { Err(wrong) }
}

fn problem(field: &Field, value: &str) -> Option<Both> {
    if value.is_empty() {
        return field.is_required.then_some(MISSING);
    }
    if value.len() > LONGEST {
        return Some(TOO_LONG);
    }
    match field.input {
        Input::Url | Input::SecretUrl => {
            let is_url = |url: reqwest::Url| matches!(url.scheme(), "http" | "https") && url.has_host();
            (!reqwest::Url::parse(value).is_ok_and(is_url)).then_some(NO_URL)
        }
        Input::Choice(choices) => choices.iter().all(|(known, _)| *known != value).then_some(NO_CHOICE),
        Input::Switch => (!matches!(value, "true" | "false")).then_some(NO_SWITCH),
        _ => None,
    }
}

/// What a client of the API sent as a configuration, as text. Lists may come as lists.
pub fn texts(sent: &Map<String, Value>) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(entries) => entries
            .iter()
            .map(|entry| entry.as_str().map_or_else(|| entry.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join("\n"),
        other => other.to_string(),
    };
    sent.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[Field] = &[
        Field::required("url", Input::SecretUrl, both("URL", "地址"), both("", "")),
        Field::optional("words", Input::Lines, both("Words", "词"), both("", "")),
        Field::optional("all", Input::Switch, both("All", "全部"), both("", "")).or("false"),
        LANGUAGE,
    ];

    fn asked(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn wrong(pairs: &[(&str, &str)]) -> Vec<Wrong> {
        read(FIELDS, &asked(pairs), None).unwrap_err()
    }

    #[test]
    fn what_is_wrong_is_said_of_each_field() {
        assert_eq!(wrong(&[]), [("url".into(), MISSING)]);
        assert_eq!(wrong(&[("url", "example.com")]), [("url".into(), NO_URL)]);
        let all = wrong(&[("url", "https://example.com"), ("all", "maybe"), ("language", "fr"), ("colour", "red")]);
        assert_eq!(all, [("colour".into(), UNKNOWN), ("all".into(), NO_SWITCH), ("language".into(), NO_CHOICE)]);
        assert_eq!(
            wrong(&[("url", "https://example.com"), ("words", &"x".repeat(5_000))]),
            [("words".into(), TOO_LONG)]
        );
    }

    #[test]
    fn a_secret_that_is_left_empty_stays_and_is_kept_apart() {
        let first = read(FIELDS, &asked(&[("url", "https://example.com/hush"), ("words", "a\n b\n")]), None).unwrap();
        assert_eq!((first.lines("words"), first.text("language")), (vec!["a", "b"], "en"));
        let second = read(FIELDS, &asked(&[("url", ""), ("words", "")]), Some(&first)).unwrap();
        assert_eq!((second.text("url"), second.text("words")), ("https://example.com/hush", ""));
        let (open, secret) = second.split(FIELDS);
        assert!(!open.contains_key("url") && secret.contains_key("url"));
        assert_eq!(Config::new(open, secret), second);
    }

    #[test]
    fn the_api_may_send_lists_and_numbers() {
        let Value::Object(sent) = json!({"words": ["a", "b"], "all": true, "url": null}) else { unreachable!() };
        assert_eq!(texts(&sent), asked(&[("words", "a\nb"), ("all", "true"), ("url", "")]));
    }
}
