//! A real SMTP server (aiosmtpd) that keeps what it takes in a Maildir, for stories to read.
//!
//! Plain, STARTTLS and implicit TLS, by [`Security`]. Mails are parsed on each look: nothing is cached, so a mail is seen
//! as soon as the server has moved it into place. Not here: relaying; nothing leaves the machine.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use mail_parser::{Address, MessageParser};

use crate::certificates::Identity;
use crate::net::{Place, wait_for_some};
use crate::process::{Program, Supervised};
use crate::run::Run;
use crate::tools;

const START: Duration = Duration::from_secs(30);

/// How clients may talk to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Security {
    /// In the clear.
    Plain,
    /// In the clear until STARTTLS, which it insists on.
    StartTls(Identity),
    /// TLS from the first byte.
    Tls(Identity),
}

/// A received mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The address in its From header.
    pub from: String,
    /// Whom the envelope was for.
    pub to: Vec<String>,
    /// The decoded subject.
    pub subject: String,
    /// The plain text, or the HTML turned into text.
    pub text: String,
    /// The HTML, or the plain text turned into HTML.
    pub html: String,
    /// All of it, as received.
    pub raw: String,
}

/// A running server.
#[derive(Debug)]
pub struct Smtp {
    /// The address it listens on.
    pub host: IpAddr,
    /// Its port.
    pub port: u16,
    mailbox: PathBuf,
    place: Place,
    server: Supervised,
}

impl Smtp {
    /// Starts a plain server on its usual port on the node, on a free one elsewhere.
    pub fn start(run: &Run, listen: IpAddr) -> Result<Self> {
        Self::start_with(run, listen, &Security::Plain)
    }

    /// Starts a server on its usual port on the node, on a free one elsewhere.
    pub fn start_with(run: &Run, listen: IpAddr, security: &Security) -> Result<Self> {
        let python = python_with_aiosmtpd()?;
        let folder = run.folder("smtp")?;
        let mailbox = folder.join("mailbox");
        let port = run.place().port_for(listen, 25)?;
        let program = Program::new(python)
            .name("smtp")
            .args(["-m", "aiosmtpd", "--nosetuid", "--listen", &format!("{listen}:{port}")])
            .args(arguments(security))
            .args(["--class", "aiosmtpd.handlers.Mailbox"])
            .arg(&mailbox)
            .folder(&folder);
        let server = program.start(run)?;
        let smtp = Self { host: listen, port, mailbox, place: run.place().clone(), server };
        smtp.wait_until_ready()?;
        Ok(smtp)
    }

    /// All mails it has taken, oldest first.
    pub fn messages(&self) -> Result<Vec<Mail>> {
        let entries = fs::read_dir(self.mailbox.join("new")).into_iter().flatten().filter_map(Result::ok);
        let mut files: Vec<_> =
            entries.filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))).collect();
        files.sort();
        files.into_iter().map(|(_, path)| read(&path)).collect()
    }

    /// Waits for a mail that fits.
    pub fn wait_for_mail(&self, predicate: impl Fn(&Mail) -> bool, deadline: Duration) -> Result<Mail> {
        let found = || self.messages().ok()?.into_iter().find(|mail| predicate(mail));
        wait_for_some("a mail", deadline, found).with_context(|| {
            let subjects: Vec<_> = self.messages().unwrap_or_default().into_iter().map(|mail| mail.subject).collect();
            format!("mails so far: {subjects:?}")
        })
    }

    /// Forgets all mails so far.
    pub fn clear(&self) -> Result<()> {
        for entry in fs::read_dir(self.mailbox.join("new")).into_iter().flatten() {
            fs::remove_file(entry?.path())?;
        }
        Ok(())
    }

    /// Stops it, as an outage would; mails stay.
    pub fn stop(&self) {
        self.server.stop();
    }

    /// Starts it again on its port.
    pub fn restart(&self) -> Result<()> {
        self.server.restart()?;
        self.wait_until_ready()
    }

    fn wait_until_ready(&self) -> Result<()> {
        self.server.wait_until(START, || self.place.accepts((self.host, self.port).into()))
    }
}

fn arguments(security: &Security) -> Vec<String> {
    let files = |certificate: &str, key: &str, identity: &Identity| {
        vec![format!("{certificate}={}", identity.certificate.display()), format!("{key}={}", identity.key.display())]
    };
    match security {
        Security::Plain => Vec::new(),
        Security::StartTls(identity) => files("--tlscert", "--tlskey", identity),
        Security::Tls(identity) => files("--smtpscert", "--smtpskey", identity),
    }
}

/// Debian's Python with Debian's aiosmtpd; where that may not be installed, a virtualenv with that of `PyPI`.
fn python_with_aiosmtpd() -> Result<PathBuf> {
    let Err(error) = tools::packages(&["python3-aiosmtpd"]) else { return Ok(PathBuf::from("/usr/bin/python3")) };
    let requirements = crate::workspace().join("tests/harness/aiosmtpd.txt");
    tools::python_env(&requirements).map_err(|_| error)
}

fn read(path: &Path) -> Result<Mail> {
    let raw = fs::read(path)?;
    let message = MessageParser::default().parse(&raw).with_context(|| format!("parsing {}", path.display()))?;
    let recipients = message.header("X-RcptTo").and_then(|value| value.as_text()).unwrap_or_default();
    Ok(Mail {
        from: message.from().and_then(first_address).unwrap_or_default(),
        to: recipients.split(',').map(|recipient| recipient.trim().to_owned()).collect(),
        subject: message.subject().unwrap_or_default().to_owned(),
        text: message.body_text(0).unwrap_or_default().into_owned(),
        html: message.body_html(0).unwrap_or_default().into_owned(),
        raw: String::from_utf8_lossy(&raw).into_owned(),
    })
}

fn first_address(address: &Address) -> Option<String> {
    Some(address.first()?.address()?.to_owned())
}
