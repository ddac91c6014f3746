//! Mail: one SMTP server. What mails say is written by those who send them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};
use secrecy::ExposeSecret;
use thiserror::Error;
use uuid::Uuid;

use crate::config;

/// How long connecting may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long sending a mail may take, from the first byte to the last.
pub const LONGEST_SEND: Duration = Duration::from_secs(20);

/// What sends mail.
#[derive(Clone)]
pub enum Mailer {
    /// No SMTP server is configured.
    Off,
    /// A pool of connections to one.
    Smtp { transport: AsyncSmtpTransport<Tokio1Executor>, from: Mailbox },
}

/// A mail.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Who gets it; they see each other.
    pub to: Vec<String>,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// The same when it is sent again, so that readers see one mail.
    pub id: String,
    /// Mails of one thread stand together in a reader's inbox.
    pub thread: String,
    /// What readers sort it by.
    pub list: Option<List>,
    /// Where a reader, or their program for them, says that they want no more of these.
    pub unsubscribe: Option<String>,
}

/// A list that a mail belongs to: `Shop <shop.acme.picket.example>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    pub name: String,
    pub id: String,
}

/// How TLS is spoken to the SMTP server.
pub fn tls_parameters(config: &config::Mail, host: &str) -> Result<TlsParameters> {
    let mut parameters = TlsParameters::builder(host.to_owned());
    if let Some(pem) = config::read_pem("SENTRY_EMAIL_CA", config.ca.as_ref())? {
        parameters = parameters.add_root_certificate(Certificate::from_pem(&pem).context("SENTRY_EMAIL_CA")?);
    }
    parameters.build().context("preparing TLS for the SMTP server")
}

/// Why the server did not take a mail.
#[derive(Debug, Error)]
pub enum NotTaken {
    #[error("no SMTP server is configured: set SENTRY_EMAIL_HOST")]
    NoServer,
    /// For good: no such person, too large …
    #[error("{0}")]
    Refused(String),
    /// Not now: greylisting, a full disk …
    #[error("{0}")]
    Later(String),
    /// It never came so far: the server is away, or the settings do not fit it.
    #[error("{0}")]
    Connection(String),
}

impl Mail {
    /// A mail that somebody waits for: no list, nothing to unsubscribe from.
    pub fn to_one(to: &str, subject: String, (text, html): (String, String), thread: String) -> Mail {
        let id = Uuid::new_v4().simple().to_string();
        Mail { to: vec![to.to_owned()], subject, text, html, id, thread, list: None, unsubscribe: None }
    }
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
        let parameters = || tls_parameters(config, host);
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
    pub async fn send(&self, mail: &Mail) -> Result<(), NotTaken> {
        let Mailer::Smtp { transport, from } = self else { return Err(NotTaken::NoServer) };
        let message = message(mail, from).map_err(|error| NotTaken::Refused(format!("{error:#}")))?;
        // The driver bounds connecting alone: who never greets would keep it for ever.
        match tokio::time::timeout(LONGEST_SEND, transport.send(message)).await {
            Ok(sent) => sent.map(|_| ()).map_err(|error| not_taken(&error)),
            Err(_) => Err(NotTaken::Connection(format!("no answer within {} s", LONGEST_SEND.as_secs()))),
        }
    }
}

/// A text without what a terminal obeys and without what turns the direction of what follows.
fn harmless(text: &str) -> String {
    let turns =
        |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !(c.is_control() || turns(*c))).collect()
}

fn message(mail: &Mail, from: &Mailbox) -> Result<Message> {
    let domain = from.email.domain();
    let thread = format!("<{}@{domain}>", mail.thread);
    let mut builder = Message::builder()
        .from(from.clone())
        .subject(harmless(&mail.subject).replace('\n', " "))
        .message_id(Some(format!("<{}@{domain}>", mail.id)))
        .in_reply_to(thread.clone())
        .references(thread);
    for to in &mail.to {
        builder = builder.to(to.parse().with_context(|| format!("{to} is not an address"))?);
    }
    let parts = MultiPart::alternative_plain_html(harmless(&mail.text), harmless(&mail.html));
    let mut message = builder.multipart(parts).context("writing a mail")?;
    let mut add = |name: &'static str, value: String| {
        message.headers_mut().insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
    };
    if let Some(List { name, id }) = &mail.list {
        let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == ' ').collect();
        add("List-Id", format!("{name} <{id}.{domain}>"));
    }
    if let Some(url) = &mail.unsubscribe {
        // https://www.rfc-editor.org/rfc/rfc8058
        add("List-Unsubscribe", format!("<{url}>"));
        add("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned());
    }
    add("Auto-Submitted", "auto-generated".to_owned());
    Ok(message)
}

/// Codes of a server that does not let us in: <https://www.rfc-editor.org/rfc/rfc4954#section-6>.
const NOT_LET_IN: [&str; 4] = ["530", "534", "535", "538"];

fn not_taken(error: &lettre::transport::smtp::Error) -> NotTaken {
    let words =
        std::error::Error::source(error).map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
    match error.status().map(|code| code.to_string()) {
        Some(code) if NOT_LET_IN.contains(&code.as_str()) => NotTaken::Connection(words),
        Some(_) if error.is_permanent() => NotTaken::Refused(words),
        Some(_) => NotTaken::Later(words),
        None => NotTaken::Connection(words),
    }
}
