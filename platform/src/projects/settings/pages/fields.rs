//! Fields of a form: how one is asked for, what it holds, and what is wrong with it.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::projects::{
    settings::{Demands, wrong::Wrong},
    words::{Said, Words},
};

/// Fields that belong together.
pub struct GroupSpec {
    pub words: &'static Words,
    pub said: Said,
    pub fields: Vec<FieldSpec>,
}

/// A field, before anything is filled in.
pub struct FieldSpec {
    /// As Sentry's API names the setting.
    pub name: &'static str,
    pub said: Said,
    pub kind: Kind,
}

/// How a field is asked for.
pub enum Kind {
    Switch,
    Line,
    Number,
    /// A list, an entry a line.
    Lines,
    /// Rules, one a line.
    Code,
    One(Vec<Choice>),
    Select(Vec<Choice>),
    Many(Vec<Choice>),
}

/// One of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub value: String,
    pub label: String,
    /// A sentence about it; may be empty.
    pub text: String,
    pub is_chosen: bool,
}

/// What a form holds, by the names of its fields.
#[derive(Clone, Debug, Default)]
pub struct Filled(HashMap<String, Vec<String>>);

impl Filled {
    /// As a browser sent it: it ends lines with two characters.
    pub fn from_form(sent: Vec<(String, String)>) -> Filled {
        let mut filled = Filled::default();
        for (name, value) in sent {
            filled.add(&name, &value.replace("\r\n", "\n"));
        }
        filled
    }

    /// Adds a value.
    pub fn add(&mut self, name: &str, value: &str) {
        self.0.entry(name.to_owned()).or_default().push(value.to_owned());
    }

    /// The values of a field.
    pub fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// Its values as lines, which most often is the only one.
    pub fn text(&self, name: &str) -> String {
        self.all(name).join("\n")
    }
}

/// A group, as its template shows it.
pub struct Group {
    pub said: Said,
    pub fields: Vec<Field>,
}

/// A field, as its template shows it.
pub struct Field {
    pub name: &'static str,
    pub said: Said,
    pub input: Input,
    pub problem: Option<String>,
    /// Of the text, around the line that cannot be read.
    pub excerpt: Vec<Line>,
    /// The organisation demands it of all its projects.
    pub is_demanded: bool,
}

/// What a field holds.
pub enum Input {
    Switch(bool),
    Line(String),
    Number(String),
    Lines(String),
    Code(String),
    One(Vec<Choice>),
    Select(Vec<Choice>),
    Many(Vec<Choice>),
}

/// A line of a text that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub number: usize,
    pub text: String,
    pub is_wrong: bool,
}

/// Lines shown before and after the one that is wrong.
const AROUND: usize = 2;

impl GroupSpec {
    /// What a form asks for, as a client of the API would.
    pub fn asked(&self, filled: &Filled) -> Vec<(String, Value)> {
        let value = |field: &FieldSpec| match field.kind {
            Kind::Switch => json!(!filled.all(field.name).is_empty()),
            Kind::Many(_) => json!(filled.all(field.name)),
            _ => json!(filled.text(field.name)),
        };
        self.fields.iter().map(|field| (field.name.to_owned(), value(field))).collect()
    }

    /// The group with what a form holds, and what is wrong with it.
    pub fn fill(self, filled: &Filled, demands: &Demands, wrong: &[(String, Wrong)]) -> Group {
        let words = self.words;
        let fill = |field: FieldSpec| {
            let why = wrong.iter().find(|(name, _)| name == field.name).map(|(_, why)| why);
            let text = filled.text(field.name);
            Field {
                excerpt: why.and_then(Wrong::line).map(|line| excerpt(&text, line)).unwrap_or_default(),
                problem: why.map(|why| (words.wrong)(why)),
                is_demanded: is_demanded(demands, field.name),
                input: field.kind.fill(filled.all(field.name), text),
                name: field.name,
                said: field.said,
            }
        };
        Group { said: self.said, fields: self.fields.into_iter().map(fill).collect() }
    }
}

impl Kind {
    fn fill(self, values: &[String], text: String) -> Input {
        let choose = |choices: Vec<Choice>| -> Vec<Choice> {
            let choose = |choice: Choice| Choice { is_chosen: values.contains(&choice.value), ..choice };
            choices.into_iter().map(choose).collect()
        };
        match self {
            Kind::Switch => Input::Switch(!values.is_empty()),
            Kind::Line => Input::Line(text),
            Kind::Number => Input::Number(text),
            Kind::Lines => Input::Lines(text),
            Kind::Code => Input::Code(text),
            Kind::One(choices) => Input::One(choose(choices)),
            Kind::Select(choices) => Input::Select(with_own(choose(choices), values)),
            Kind::Many(choices) => Input::Many(with_own(choose(choices), values)),
        }
    }
}

/// A value that nobody offers stays chosen until somebody chooses otherwise.
fn with_own(mut choices: Vec<Choice>, values: &[String]) -> Vec<Choice> {
    for value in values.iter().filter(|value| !value.is_empty()) {
        if choices.iter().all(|choice| choice.value != *value) {
            choices.push(Choice { value: value.clone(), label: value.clone(), text: String::new(), is_chosen: true });
        }
    }
    choices
}

fn is_demanded(demands: &Demands, name: &str) -> bool {
    match name {
        "sentry:scrub_data" => demands.scrub,
        "sentry:scrub_defaults" => demands.defaults,
        "sentry:scrub_ip_address" => demands.scrub_addresses,
        _ => false,
    }
}

fn excerpt(text: &str, wrong: usize) -> Vec<Line> {
    let near = wrong.saturating_sub(AROUND)..=wrong + AROUND;
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line)).filter(|(number, _)| near.contains(number));
    lines.map(|(number, line)| Line { number, text: line.to_owned(), is_wrong: number == wrong }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_marks_the_line_that_is_wrong() {
        let lines = excerpt("a\nb\nc\nd\ne\nf", 4);
        let shown: Vec<_> = lines.iter().map(|line| (line.number, line.text.as_str(), line.is_wrong)).collect();
        assert_eq!(shown, [(2, "b", false), (3, "c", false), (4, "d", true), (5, "e", false), (6, "f", false)]);
        assert_eq!(excerpt("a", 1).len(), 1);
        assert_eq!(excerpt("a", 9), []);
    }

    #[test]
    fn what_nobody_offers_stays_chosen() {
        let offered = Choice { value: "ie9".into(), label: "IE 9".into(), text: String::new(), is_chosen: true };
        let chosen = with_own(vec![offered], &["ie9".into(), "android_pre_4".into(), String::new()]);
        let values: Vec<_> = chosen.iter().map(|choice| (choice.value.as_str(), choice.is_chosen)).collect();
        assert_eq!(values, [("ie9", true), ("android_pre_4", true)]);
    }

    #[test]
    fn a_form_is_read_as_a_browser_sends_it() {
        let sent = [("list", "a\r\nb"), ("browser", "ie9"), ("browser", "ie10")];
        let filled = Filled::from_form(sent.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        assert_eq!(filled.text("list"), "a\nb");
        assert_eq!(filled.all("browser"), ["ie9", "ie10"]);
        assert_eq!(filled.all("nothing"), [""; 0]);
    }
}
