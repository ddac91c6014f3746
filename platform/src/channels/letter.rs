//! A message as a mail: text and HTML, readable in the dark, one thread for each issue.

use anyhow::{Context, Result};
use askama::Template;

use super::message::{Message, Notice, OPEN, Sending};
use super::schema::{Both, both};
use crate::mail::{List, Mail};

/// What a mail is about, and how its reader gets no more of them.
pub struct About<'a> {
    pub message: &'a Message,
    pub sending: &'a Sending,
    pub unsubscribe: Option<String>,
}

/// A line of a digest.
struct Line {
    times: i64,
    short_id: String,
    title: String,
    url: String,
}

#[derive(Template)]
#[template(path = "channels/letter.html")]
struct Html<'a> {
    language: &'static str,
    letter: &'a Letter,
}

#[derive(Template)]
#[template(path = "channels/letter.txt", escape = "none")]
struct Text<'a> {
    letter: &'a Letter,
}

struct Letter {
    headline: String,
    short_id: String,
    title: String,
    culprit: String,
    /// What somebody wrote.
    said: Option<String>,
    explanation: String,
    facts: Vec<(&'static str, String)>,
    lines: Vec<Line>,
    more: Option<String>,
    url: String,
    open: &'static str,
    unsubscribe: Option<String>,
    unsubscribe_words: &'static str,
}

/// Writes it.
pub fn write(about: &About<'_>, to: Vec<String>) -> Result<Mail> {
    let About { message, sending, unsubscribe } = about;
    let letter = Letter::new(message, sending, unsubscribe.clone());
    let language = sending.language.tag();
    let (subject, thread, list) = match message {
        Message::Alert(notice) => (
            format!("[{}] {} - {}", notice.project_name, notice.short_id, notice.title()),
            format!("issue-{}", notice.issue),
            Some(list(notice)),
        ),
        Message::Digest(digest) => {
            let first = digest.lines.first().map(|(notice, _)| notice);
            let project = first.map_or("Picket", |notice| notice.project_name.as_str());
            (format!("[{project}] {}", letter.headline), "digests".to_owned(), first.map(list))
        }
    };
    Ok(Mail {
        to,
        subject,
        text: Text { letter: &letter }.render().context("writing a mail's text")?,
        html: Html { language, letter: &letter }.render().context("writing a mail's html")?,
        id: sending.id.simple().to_string(),
        thread,
        list,
        unsubscribe: unsubscribe.clone(),
    })
}

fn list(notice: &Notice) -> List {
    let id = format!("{}.{}", notice.project, notice.organization);
    List { name: notice.project_name.clone(), id }
}

impl Letter {
    fn new(message: &Message, sending: &Sending, unsubscribe: Option<String>) -> Letter {
        let mut letter = Letter {
            headline: message.headline(sending.language),
            short_id: String::new(),
            title: String::new(),
            culprit: String::new(),
            said: None,
            explanation: String::new(),
            facts: Vec::new(),
            lines: Vec::new(),
            more: None,
            url: message.url().to_owned(),
            open: OPEN.of(sending.language),
            unsubscribe,
            unsubscribe_words: no_more(message).of(sending.language),
        };
        match message {
            Message::Alert(notice) => {
                letter.short_id.clone_from(&notice.short_id);
                letter.title = notice.title();
                letter.culprit.clone_from(&notice.culprit);
                letter.said = notice.act.as_ref().and_then(|act| act.text.clone());
                letter.facts = notice.facts(sending);
            }
            Message::Digest(digest) => {
                letter.explanation = digest.why(sending);
                letter.more = digest.and_more(sending.language);
                letter.lines = digest.lines.iter().map(|(notice, times)| Line::new(notice, *times)).collect();
            }
        }
        letter
    }
}

/// Mails of rules and mails of what people do are two things to be asked for.
fn no_more(message: &Message) -> Both {
    match message {
        Message::Alert(notice) if notice.act.is_some() => {
            both("No more mails of what happens to issues of this project", "不再接收该项目的问题动态邮件")
        }
        _ => both("No more alerts of this project by mail", "不再接收该项目的告警邮件"),
    }
}

impl Line {
    fn new(notice: &Notice, times: i64) -> Line {
        Line { times, short_id: notice.short_id.clone(), title: notice.title(), url: notice.url.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::message::tests::{digest, notice, sending},
        *,
    };
    use crate::ui::Language;

    #[test]
    fn a_mail_is_escaped_in_html_and_plain_in_text() {
        let message = Message::Alert(notice());
        let about =
            About { message: &message, sending: &sending(Language::English), unsubscribe: Some("https://x/u".into()) };
        let mail = write(&about, vec!["ada@example.com".into()]).unwrap();
        assert_eq!(mail.subject, "[Shop] SHOP-7 - Gone: *umbrella* <b> @all");
        assert!(mail.text.starts_with("New: error in Shop\n\nSHOP-7 Gone: *umbrella* <b> @all\n"), "{}", mail.text);
        assert!(mail.text.contains("Environment: production\n") && mail.text.contains("https://x/u"), "{}", mail.text);
        assert!(mail.html.contains("&#60;b&#62;") && mail.html.contains("color-scheme"), "{}", mail.html);
        assert_eq!((mail.thread.as_str(), mail.list.unwrap().id.as_str()), ("issue-7", "shop.acme"));
    }

    #[test]
    fn a_digest_names_the_issues_and_counts_the_rest() {
        let message = Message::Digest(digest(2, 5));
        let about = About { message: &message, sending: &sending(Language::Chinese), unsubscribe: None };
        let mail = write(&about, vec!["ada@example.com".into()]).unwrap();
        assert_eq!(mail.subject, "[Shop] 412 条告警汇总，涉及 5 个问题");
        assert!(mail.text.contains("3 × SHOP-1") && mail.text.contains("另有 3 个问题"), "{}", mail.text);
    }
}
