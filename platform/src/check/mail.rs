//! The SMTP server: greets, encrypts as asked, lets us in, and takes mail from our sender. No mail is sent.

use std::{io, time::Duration};

use lettre::{
    message::Mailbox,
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, TlsParameters},
        commands,
        extension::ClientId,
    },
};
use secrecy::ExposeSecret;

use super::{
    Finding, Reason,
    reach::{classify_io, classify_tls, find, reach},
};
use crate::{config::Mail, mail::tls_parameters};

/// How long a server may take to greet. A port that waits for a TLS handshake never does.
const GREETING_TIMEOUT: Duration = Duration::from_secs(3);
/// Where TLS from the first byte is usual.
const SMTPS: u16 = 465;

/// Talks to the server up to the sender's address, and leaves.
pub async fn probe(config: &Mail) -> Finding {
    let Some(host) = config.host.as_deref().filter(|host| !host.is_empty()) else {
        return Finding::new(Reason::NotConfigured, "SENTRY_EMAIL_HOST is not set: no mail is sent");
    };
    if config.use_tls && config.use_ssl {
        let message = "SENTRY_EMAIL_USE_TLS and SENTRY_EMAIL_USE_SSL are both on: keep the first for STARTTLS (ports 25 and 587), \
                       the second for port 465";
        return Finding::new(Reason::SettingsInvalid, message);
    }
    if let Err(finding) = reach(host, config.port, "SENTRY_EMAIL_HOST").await {
        return finding;
    }
    match talk(config, host).await {
        Ok(()) => {
            Finding::new(Reason::Connected, format!("{host}:{} takes mail from {}", config.port, config.server_email))
        }
        Err(finding) => Finding { message: format!("{host}:{}: {}", config.port, finding.message), ..finding },
    }
}

/// Where in the conversation we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    PlainGreeting,
    TlsGreeting,
    StartTls,
    SignIn,
    Sender,
}

async fn talk(config: &Mail, host: &str) -> Result<(), Finding> {
    let invalid = |what: String| Finding::new(Reason::SettingsInvalid, what);
    let sender: Mailbox = config
        .server_email
        .parse()
        .map_err(|error| invalid(format!("SENTRY_SERVER_EMAIL is not an address: {error}")))?;
    let mut connection = greet(config, host).await?;
    if config.use_tls {
        start_tls(&mut connection, config, host).await?;
    }
    if let Some(user) = config.user.as_deref().filter(|user| !user.is_empty()) {
        let password = config.password().map_err(|error| invalid(format!("{error:#}")))?;
        let password = password.as_ref().map_or("", |password| password.expose_secret());
        let credentials = Credentials::new(user.to_owned(), password.to_owned());
        connection.auth(DEFAULT_MECHANISMS, &credentials).await.map_err(|error| failed(Step::SignIn, &error))?;
    }
    let mail = commands::Mail::new(Some(sender.email), Vec::new());
    connection.command(mail).await.map_err(|error| failed(Step::Sender, &error))?;
    // Everything is known by now; how the server says goodbye changes nothing.
    let _ = connection.quit().await;
    Ok(())
}

async fn greet(config: &Mail, host: &str) -> Result<AsyncSmtpConnection, Finding> {
    if config.use_ssl {
        return connect(config, host, Some(tls(config, host)?))
            .await
            .map_err(|error| failed(Step::TlsGreeting, &error));
    }
    match tokio::time::timeout(GREETING_TIMEOUT, connect(config, host, None)).await {
        Ok(greeted) => greeted.map_err(|error| failed(Step::PlainGreeting, &error)),
        Err(_) if speaks_tls(config, host).await? => Err(Finding::new(Reason::TlsExpected, tls_expected(config.port))),
        Err(_) => Err(Finding::new(
            Reason::ConnectTimeout,
            "the server accepts the connection and does not greet: is it SMTP?",
        )),
    }
}

async fn start_tls(connection: &mut AsyncSmtpConnection, config: &Mail, host: &str) -> Result<(), Finding> {
    if !connection.can_starttls() {
        let message = "the server does not offer STARTTLS: unset SENTRY_EMAIL_USE_TLS, or turn TLS on at the server";
        return Err(Finding::new(Reason::StartTlsNotOffered, message));
    }
    connection.starttls(tls(config, host)?, &ClientId::default()).await.map_err(|error| failed(Step::StartTls, &error))
}

async fn connect(config: &Mail, host: &str, tls: Option<TlsParameters>) -> Result<AsyncSmtpConnection, Error> {
    AsyncSmtpConnection::connect_tokio1((host, config.port), None, &ClientId::default(), tls, None).await
}

fn tls(config: &Mail, host: &str) -> Result<TlsParameters, Finding> {
    tls_parameters(config, host).map_err(|error| Finding::new(Reason::SettingsInvalid, format!("{error:#}")))
}

/// Whether the silent port answers a TLS handshake, trusted or not.
async fn speaks_tls(config: &Mail, host: &str) -> Result<bool, Finding> {
    let tried = tokio::time::timeout(GREETING_TIMEOUT, connect(config, host, Some(tls(config, host)?))).await;
    Ok(match tried {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => find::<rustls::Error>(&error).is_some(),
        Err(_) => false,
    })
}

fn tls_expected(port: u16) -> String {
    let usual = if port == SMTPS { "" } else { ", as port 465 usually does" };
    format!("port {port} speaks TLS from the first byte{usual}: set SENTRY_EMAIL_USE_SSL")
}

fn failed(step: Step, error: &Error) -> Finding {
    // The driver's text for TLS says twice that it is a connection error.
    let text = find::<rustls::Error>(error).map_or_else(|| error.to_string(), ToString::to_string);
    let reason = classify(step, error, &text);
    Finding::new(reason, format!("{text}: {}", advice(reason)))
}

/// The reason behind an error at a step of the conversation.
fn classify(step: Step, error: &Error, text: &str) -> Reason {
    if let Some(tls) = find::<rustls::Error>(error) {
        return match classify_tls(tls) {
            Reason::TlsNotOffered if step == Step::TlsGreeting => Reason::PlainExpected,
            reason => reason,
        };
    }
    match (step, error.status().map(|code| code.to_string())) {
        (Step::SignIn, _) => Reason::AuthRejected,
        (Step::Sender, Some(code)) if code == "530" && text.contains("STARTTLS") => Reason::TlsRequiredByServer,
        (Step::Sender, Some(code)) if code == "530" => Reason::AuthRequired,
        (Step::Sender, Some(_)) => Reason::SenderRejected,
        _ => find::<io::Error>(error).map_or(Reason::UnexpectedAnswer, classify_io),
    }
}

fn advice(reason: Reason) -> &'static str {
    match reason {
        Reason::AuthRejected => {
            "correct SENTRY_EMAIL_USER and SENTRY_EMAIL_PASSWORD; many servers take them only after TLS"
        }
        Reason::AuthRequired => "set SENTRY_EMAIL_USER and SENTRY_EMAIL_PASSWORD",
        Reason::SenderRejected => "set SENTRY_SERVER_EMAIL to an address this server sends for",
        Reason::TlsRequiredByServer => "set SENTRY_EMAIL_USE_TLS",
        Reason::PlainExpected => {
            "the port speaks in the clear at first: unset SENTRY_EMAIL_USE_SSL, and use SENTRY_EMAIL_USE_TLS"
        }
        Reason::TlsUntrustedCA => "name the CA that signed the server's certificate by SENTRY_EMAIL_CA",
        Reason::TlsHostnameMismatch => "reach the server by the name in its certificate",
        Reason::TlsHandshakeFailed => "look at the server's certificate and TLS settings",
        _ => "is it an SMTP server that listens there?",
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
        net::TcpListener,
    };

    use super::*;

    /// A port that plays one side of a conversation: greets, then answers each line with the next answer.
    async fn server(greeting: &'static str, answers: &'static [&'static str]) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                let _ = stream.write_all(greeting.as_bytes()).await;
                let (mut line, mut answers) = (Vec::new(), answers.iter());
                while matches!(stream.read_until(b'\n', &mut line).await, Ok(1..)) {
                    let Some(answer) = answers.next() else { break };
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
            }
        });
        port
    }

    fn settings(port: u16) -> Mail {
        Mail {
            server_email: "picket@example.com".to_owned(),
            host: Some("127.0.0.1".to_owned()),
            port,
            user: None,
            password: None,
            password_file: None,
            use_tls: false,
            use_ssl: false,
            ca: None,
        }
    }

    #[tokio::test]
    async fn a_server_that_takes_our_sender_is_connected() {
        let port = server("220 hello\r\n", &["250 hello\r\n", "250 ok\r\n", "221 bye\r\n"]).await;
        assert_eq!(probe(&settings(port)).await.reason, Reason::Connected);
    }

    #[tokio::test]
    async fn refusals_are_told_apart_by_step_and_code() {
        let table: [(&[&str], Reason); 4] = [
            (&["250 hello\r\n", "550 not your domain\r\n"], Reason::SenderRejected),
            (&["250 hello\r\n", "530 5.7.0 Authentication required\r\n"], Reason::AuthRequired),
            (&["250 hello\r\n", "530 5.7.0 Must issue a STARTTLS command first\r\n"], Reason::TlsRequiredByServer),
            (&["554 no service here\r\n"], Reason::UnexpectedAnswer),
        ];
        for (answers, reason) in table {
            let finding = probe(&settings(server("220 hello\r\n", answers).await)).await;
            assert_eq!(finding.reason, reason, "{}", finding.message);
        }
    }

    #[tokio::test]
    async fn a_wrong_password_and_a_server_without_passwords_are_rejections() {
        let table: [&[&str]; 2] =
            [&["250-hello\r\n250 AUTH PLAIN\r\n", "535 5.7.8 credentials invalid\r\n"], &["250 hello\r\n"]];
        for answers in table {
            let port = server("220 hello\r\n", answers).await;
            let mail = Mail { user: Some("picket".to_owned()), password: Some("hunter2".into()), ..settings(port) };
            let finding = probe(&mail).await;
            assert_eq!(finding.reason, Reason::AuthRejected, "{}", finding.message);
            assert!(!finding.message.contains("hunter2"));
        }
    }

    #[tokio::test]
    async fn starttls_that_is_not_offered_is_named() {
        let port = server("220 hello\r\n", &["250 hello\r\n"]).await;
        assert_eq!(probe(&Mail { use_tls: true, ..settings(port) }).await.reason, Reason::StartTlsNotOffered);
    }

    #[tokio::test]
    async fn a_plain_port_is_told_from_one_that_speaks_tls() {
        let port = server("220 hello\r\n", &[]).await;
        assert_eq!(probe(&Mail { use_ssl: true, ..settings(port) }).await.reason, Reason::PlainExpected);
    }

    #[tokio::test]
    async fn without_a_host_there_is_no_mail_to_check() {
        assert_eq!(probe(&Mail { host: None, ..settings(25) }).await.reason, Reason::NotConfigured);
    }

    #[tokio::test]
    async fn two_kinds_of_tls_at_once_are_a_mistake() {
        let both = Mail { use_tls: true, use_ssl: true, ..settings(25) };
        assert_eq!(probe(&both).await.reason, Reason::SettingsInvalid);
    }
}
