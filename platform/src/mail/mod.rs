//! Mail: one SMTP server, messages as templates.

use std::{fmt, time::Duration};

use anyhow::{Context, Result, ensure};
use askama::Template;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, MultiPart},
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use secrecy::ExposeSecret;

use crate::{config, issues::IssueId, protocol::Level};

/// How long one SMTP command may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What sends mail.
#[derive(Clone)]
pub enum Mailer {
    /// No SMTP server is configured.
    Off,
    /// A pool of connections to one.
    Smtp { transport: AsyncSmtpTransport<Tokio1Executor>, from: Mailbox },
}

/// A mail to one person.
#[derive(Clone, Debug)]
pub struct Mail {
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// Mails of one thread stand together in a reader's inbox.
    pub thread: String,
}

impl Mailer {
    /// Reads the settings; nothing is connected yet.
    pub fn open(config: &config::Mail) -> Result<Mailer> {
        let Some(host) = config.host.as_deref().filter(|host| !host.is_empty()) else {
            return Ok(Mailer::Off);
        };
        let from = config.server_email.parse().context("SENTRY_SERVER_EMAIL is not an address")?;
        ensure!(
            !(config.use_tls && config.use_ssl),
            "SENTRY_EMAIL_USE_TLS is STARTTLS and SENTRY_EMAIL_USE_SSL is TLS from the first byte: set one of them"
        );
        let parameters = || TlsParameters::new(host.to_owned()).context("preparing TLS for the SMTP server");
        let tls = match (config.use_tls, config.use_ssl) {
            (true, _) => Tls::Required(parameters()?),
            (_, true) => Tls::Wrapper(parameters()?),
            _ => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(config.port)
            .timeout(Some(TIMEOUT))
            .tls(tls);
        if let (Some(user), Some(password)) = (&config.user, config.password()?) {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
        }
        Ok(Mailer::Smtp { transport: builder.build(), from })
    }

    /// Whether anything can be sent at all.
    pub fn is_configured(&self) -> bool {
        matches!(self, Mailer::Smtp { .. })
    }

    /// Sends a mail; returns once the server has taken it.
    pub async fn send(&self, mail: &Mail) -> Result<()> {
        let Mailer::Smtp { transport, from } = self else {
            anyhow::bail!("no SMTP server is configured: set SENTRY_EMAIL_HOST");
        };
        let message = Message::builder()
            .from(from.clone())
            .to(mail.to.parse().with_context(|| format!("{} is not an address", mail.to))?)
            .subject(mail.subject.clone())
            .references(format!("<{}@{}>", mail.thread, from.email.domain()))
            .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
            .context("writing a mail")?;
        transport.send(message).await.context("handing a mail to the SMTP server")?;
        Ok(())
    }
}

/// A text without what a terminal obeys and without what turns the direction of what follows.
fn harmless(text: &str) -> String {
    let turns =
        |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !(c.is_control() || turns(*c))).collect()
}

/// What is new about an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    New,
    /// It was resolved.
    Regressed,
    /// It was ignored.
    Unignored,
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            News::New => "New",
            News::Regressed => "Resolved and back:",
            News::Unignored => "Ignored until now:",
        })
    }
}

/// The mail about an issue.
#[derive(Template)]
#[template(path = "mail/issue.html")]
pub struct AboutIssue<'a> {
    pub news: News,
    pub project: &'a str,
    /// `SHOP-7`
    pub short_id: String,
    pub title: &'a str,
    pub culprit: &'a str,
    pub level: Level,
    pub url: String,
}

#[derive(Template)]
#[template(path = "mail/issue.txt", escape = "none")]
struct AboutIssueText<'a, 'b> {
    issue: &'b AboutIssue<'a>,
}

impl AboutIssue<'_> {
    /// Both parts, and the subject as Sentry writes it.
    pub fn mail(&self, to: String, issue: IssueId) -> Result<Mail> {
        Ok(Mail {
            to,
            subject: harmless(&format!("[{}] {} - {}", self.project, self.short_id, self.title)).replace('\n', " "),
            text: harmless(&AboutIssueText { issue: self }.render().context("writing a mail's text")?),
            html: harmless(&self.render().context("writing a mail's html")?),
            thread: format!("issue-{}", issue.0),
        })
    }
}
