//! The directories: connect, TLS, bind, and whether what the settings name is there; with a login, what would become of it.

use std::fmt::Write;

use super::{
    Finding, Reason,
    reach::{classify_io, classify_tls},
};
use crate::{
    auth::ldap::{
        self, Asked, Directories, Mark, Settings, Step, Steps, Verdict, client::Failure, filter::WrongFilter, probe,
    },
    config::Ldap,
};

/// Tries every directory; the first that fails is told.
pub async fn probe(config: &Ldap) -> Finding {
    if !config.is_used() {
        return Finding::new(Reason::NotConfigured, "SENTRY_LDAP_SERVER_URI is not set: nobody signs in by LDAP");
    }
    let directories = match Directories::open(config) {
        Ok(directories) => directories,
        Err(error) => {
            let reason = if error.is::<WrongFilter>() { Reason::FilterInvalid } else { Reason::SettingsInvalid };
            return Finding::new(reason, format!("{error:#}"));
        }
    };
    let mut told = Vec::new();
    for settings in directories.all() {
        let mut steps = Steps::default();
        if let Err(failure) = probe::probe(settings, &mut steps).await {
            return Finding::new(reason(&failure), format!("{}: {}", failure.step.name(), failure.text));
        }
        let notes = steps.0.iter().filter(|seen| seen.mark == Mark::Odd).map(|seen| seen.text.as_str());
        told.push([settings.uri.as_str()].into_iter().chain(notes).collect::<Vec<_>>().join("; "));
    }
    Finding::new(Reason::Connected, told.join("; "))
}

fn reason(failure: &Failure) -> Reason {
    use ::ldap3::LdapError;
    match (&failure.cause, failure.code, failure.step) {
        (Some(LdapError::Io { source }), ..) => match (classify_io(source), source.raw_os_error(), failure.step) {
            // A name that has no address is an error of the library's without a number.
            (Reason::UnexpectedAnswer, None, Step::Connect) => Reason::DnsLookupFailed,
            (Reason::UnexpectedAnswer, _, Step::Tls) => Reason::TlsHandshakeFailed,
            (reason, ..) => reason,
        },
        (Some(LdapError::Rustls { source }), ..) => classify_tls(source),
        (Some(LdapError::Timeout { .. }), ..) => Reason::ConnectTimeout,
        (Some(LdapError::LdapResult { .. }), _, Step::Tls) => Reason::StartTlsNotOffered,
        (_, 13, _) => Reason::TlsRequiredByServer,
        (_, 49, _) => Reason::AuthenticationFailed,
        (_, 50, _) => Reason::PrivilegeMissing,
        (_, 32 | 34, _) => Reason::BaseDoesNotExist,
        (_, 51 | 52, _) => Reason::NotReady,
        (None, 0, Step::Search) => Reason::NoUsersMatched,
        (_, 18 | 87, Step::Search | Step::Groups) => Reason::FilterInvalid,
        (_, _, Step::Settings) | (None, 0, Step::Groups) => Reason::SettingsInvalid,
        _ => Reason::UnexpectedAnswer,
    }
}

/// Every step of a login in every directory, as text.
pub async fn steps_of(config: &Ldap, login: &str) -> anyhow::Result<String> {
    let directories = Directories::open(config)?;
    let mut told = String::new();
    for settings in directories.all() {
        let steps = steps(settings, login).await;
        write!(told, "{} ({})\n{steps}", settings.name, settings.uri)?;
    }
    Ok(told)
}

async fn steps(settings: &Settings, login: &str) -> Steps {
    let mut steps = Steps::default();
    if probe::probe(settings, &mut steps).await.is_ok() {
        steps = Steps::default();
        let _: Verdict = ldap::lookup::look_up(settings, &Asked::Trial(login), None, &mut steps).await;
    }
    steps
}
