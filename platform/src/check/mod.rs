//! `picket config check`: tries every server the settings name, and says which layer failed and what to do about it.
//!
//! A file per thing that is probed; `run` is the list of them. Each probe does a little I/O and hands what it got to a pure
//! function that picks a [`Reason`]. The operator runs this as a Job, so `--json` is one short line on standard output. No
//! message is made from a secret, nor from an answer that may echo one.

mod channels;
mod filestore;
mod ldap;
mod mail;
mod postgresql;
mod reach;
mod reason;
mod redis;
mod spool;

use std::{future::Future, process::ExitCode, time::Duration};

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

pub use reason::{Reason, Status};

use crate::config::Config;

/// How long one probe may take in all.
const PATIENCE: Duration = Duration::from_secs(10);
/// The whole JSON line stays below this, so that it fits into any log line and a pod's termination message.
const LONGEST_LINE: usize = 2000;
/// A single message is never longer than this, in characters.
const LONGEST_MESSAGE: usize = 400;

/// `picket config check`
#[derive(Args, Debug)]
pub struct Options {
    /// Prints one line of JSON instead of text.
    #[arg(long)]
    pub json: bool,
    /// Tells every step of this login in every directory.
    #[arg(long, value_name = "LOGIN")]
    pub ldap_user: Option<String>,
    /// The settings to check.
    #[command(flatten)]
    pub config: Config,
}

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which of the known outcomes it is.
    pub reason: Reason,
    /// What happened, and for failures what to do.
    pub message: String,
}

impl Finding {
    fn new(reason: Reason, message: impl Into<String>) -> Finding {
        // Servers may answer in several lines.
        let message = message.into().split_whitespace().collect::<Vec<_>>().join(" ");
        Finding { reason, message }
    }
}

/// One thing that was probed.
#[derive(Debug, Serialize)]
pub struct Check {
    /// `postgresql`, `redis` …
    pub name: &'static str,
    /// Whether it can be used.
    pub status: Status,
    /// Which of the known outcomes it is.
    pub reason: Reason,
    /// What happened, and for failures what to do.
    pub message: String,
}

#[derive(Serialize)]
struct Report<'a> {
    checks: &'a [Check],
}

/// Probes everything at once.
pub async fn probe(config: &Config) -> Vec<Check> {
    let (postgresql, redis, spool, filestore, mail, ldap, dingtalk) = tokio::join!(
        bounded("postgresql", PATIENCE, Box::pin(postgresql::probe(&config.postgres))),
        bounded("redis", PATIENCE, Box::pin(redis::probe(config))),
        bounded("spool", PATIENCE, Box::pin(spool::probe(&config.queue))),
        bounded("filestore", PATIENCE, Box::pin(filestore::probe(config))),
        bounded("mail", PATIENCE, Box::pin(mail::probe(&config.mail))),
        bounded("ldap", PATIENCE, Box::pin(ldap::probe(&config.ldap))),
        bounded("dingtalk", PATIENCE, Box::pin(channels::robots(config))),
    );
    let Finding { reason, message } = channels::settings(config);
    let channels = Check { name: "channels", status: reason.status(), reason, message };
    vec![postgresql, redis, spool, filestore, mail, ldap, channels, dingtalk]
}

/// Prints what was found; fails when one of them did.
pub async fn run(options: Options) -> Result<ExitCode> {
    let config = &options.config;
    let checks = probe(config).await;
    let failed = checks.iter().any(|check| check.status == Status::Failed);
    if options.json {
        println!("{}", json_line(checks)?);
    } else {
        for check in &checks {
            println!("{}", text_line(check));
        }
        if let Some(login) = &options.ldap_user {
            print!("{}", ldap::steps_of(&config.ldap, login).await?);
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What is wrong with the SMTP server, as `picket config check` says it; none where it is as it should be.
pub async fn mail_in_words(config: &crate::config::Mail) -> Option<String> {
    let found = bounded("mail", PATIENCE, mail::probe(config)).await;
    (found.status == Status::Failed).then_some(found.message)
}

async fn bounded(name: &'static str, patience: Duration, probe: impl Future<Output = Finding>) -> Check {
    let Finding { reason, message } = tokio::time::timeout(patience, probe).await.unwrap_or_else(|_| {
        let message = format!(
            "no result within {} s: is something between us and the server that drops packets?",
            patience.as_secs()
        );
        Finding::new(Reason::ConnectTimeout, message)
    });
    Check { name, status: reason.status(), reason, message }
}

fn text_line(check: &Check) -> String {
    let Check { name, status, reason, message } = check;
    match status {
        Status::Ok => format!("{name:<11} ok       {message}"),
        Status::Skipped => format!("{name:<11} skipped  {message}"),
        Status::Failed => format!("{name:<11} failed   at {} ({reason:?}): {message}", reason.layer()),
    }
}

/// The report on one line, with messages cut until the line is short enough: those of failures last.
fn json_line(mut checks: Vec<Check>) -> Result<String> {
    let (mut of_failures, mut of_others) = (LONGEST_MESSAGE, LONGEST_MESSAGE);
    loop {
        for check in &mut checks {
            let room = if check.status == Status::Failed { of_failures } else { of_others };
            check.message = shortened(&check.message, room);
        }
        let line = serde_json::to_string(&Report { checks: &checks }).context("writing the report")?;
        if line.len() < LONGEST_LINE || (of_failures, of_others) == (0, 0) {
            return Ok(line);
        }
        let cut = if of_others > of_failures / 4 { &mut of_others } else { &mut of_failures };
        *cut = *cut * 3 / 4;
    }
}

fn shortened(message: &str, longest: usize) -> String {
    match message.char_indices().nth(longest) {
        None => message.to_owned(),
        Some(_) => message.chars().take(longest.saturating_sub(1)).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &'static str, reason: Reason, message: &str) -> Check {
        Check { name, status: reason.status(), reason, message: message.to_owned() }
    }

    #[test]
    fn a_report_is_one_line_with_the_words_that_people_script_against() {
        let checks = vec![
            check("postgresql", Reason::Connected, "picket on db:5432"),
            check("mail", Reason::NotConfigured, "no host"),
        ];
        assert_eq!(
            json_line(checks).unwrap(),
            concat!(
                r#"{"checks":[{"name":"postgresql","status":"ok","reason":"Connected","message":"picket on db:5432"},"#,
                r#"{"name":"mail","status":"skipped","reason":"NotConfigured","message":"no host"}]}"#
            )
        );
    }

    #[test]
    fn long_messages_are_cut_until_the_line_is_short() {
        for text in ["x", "\u{1}", "日", "\"\n"] {
            let names = ["postgresql", "redis", "spool", "filestore", "mail", "ldap", "channels", "dingtalk"];
            let checks = names.map(|name| check(name, Reason::TlsHostnameMismatch, &text.repeat(5000)));
            let line = json_line(checks.into()).unwrap();
            assert!(line.len() < LONGEST_LINE, "{} bytes", line.len());
            assert!(!line.contains('\n'));
            assert!(line.contains('…'), "{line}");
        }
    }

    #[test]
    fn text_names_the_layer_that_failed() {
        let failed =
            check("redis", Reason::WrongPass, "the password is not the server's: correct SENTRY_REDIS_PASSWORD");
        assert_eq!(
            text_line(&failed),
            "redis       failed   at auth (WrongPass): the password is not the server's: correct SENTRY_REDIS_PASSWORD"
        );
        assert_eq!(text_line(&check("mail", Reason::NotConfigured, "no host")), "mail        skipped  no host");
    }

    #[tokio::test]
    async fn a_probe_that_hangs_is_given_up() {
        let check = bounded("redis", Duration::from_millis(10), std::future::pending()).await;
        assert_eq!((check.status, check.reason), (Status::Failed, Reason::ConnectTimeout));
    }
}
