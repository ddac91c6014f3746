//! One connection to a directory: connect, TLS, bind, search, each within its time. Referrals are never followed: a server that
//! the settings do not name gets no password.

use std::{collections::HashMap, io, sync::Arc, time::Duration};

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Scope, SearchEntry, SearchOptions};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use secrecy::{ExposeSecret, SecretString};

use super::{
    settings::{Search, Settings},
    steps::Step,
};
use crate::config::Pem;

/// What a server answers to a wrong password, and to a DN that is not there.
const INVALID_CREDENTIALS: u32 = 49;
const NO_SUCH_OBJECT: u32 = 32;
const REFERRAL: u32 = 10;
const SIZE_LIMIT: u32 = 4;

/// Why a directory could not be asked.
#[derive(Debug)]
pub struct Failure {
    pub step: Step,
    /// The cause below it, where there is one.
    pub cause: Option<LdapError>,
    /// The code the server answered with; 0 where it did not answer.
    pub code: u32,
    pub text: String,
}

impl Failure {
    fn new(step: Step, text: String) -> Failure {
        Failure { step, cause: None, code: 0, text }
    }
}

/// An entry of a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    pub dn: String,
    attributes: HashMap<String, Vec<String>>,
}

impl Entry {
    /// The values of an attribute; attributes have no case.
    pub fn all(&self, attribute: &str) -> &[String] {
        self.attributes.get(&attribute.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// The first value of an attribute that says something.
    pub fn first(&self, attribute: &str) -> Option<&str> {
        self.all(attribute).iter().map(|value| value.trim()).find(|value| !value.is_empty())
    }

    /// For tests, and for what needs no server.
    pub fn new(dn: &str, attributes: &[(&str, &[&str])]) -> Entry {
        let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let attributes = attributes.iter().map(|(name, all)| (name.to_ascii_lowercase(), values(all))).collect();
        Entry { dn: dn.to_owned(), attributes }
    }

    fn read(entry: SearchEntry) -> Entry {
        // What is not UTF-8 is read as well as it can be: some servers write names in other encodings.
        let binary = entry.bin_attrs.into_iter().map(|(name, values)| {
            (name, values.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect())
        });
        let attributes =
            entry.attrs.into_iter().chain(binary).map(|(name, values)| (name.to_ascii_lowercase(), values));
        Entry { dn: entry.dn, attributes: attributes.collect() }
    }
}

/// What a search found.
#[derive(Debug, Default)]
pub struct Found {
    pub entries: Vec<Entry>,
    /// Other servers that were named, and not asked.
    pub referrals: usize,
}

/// A connection.
pub struct Client {
    ldap: Ldap,
    timeout: Duration,
}

impl Client {
    /// Connects, and encrypts as the settings ask.
    pub async fn connect(settings: &Settings) -> Result<Client, Failure> {
        let mut options = LdapConnSettings::new()
            .set_conn_timeout(settings.timeout)
            .set_starttls(settings.start_tls)
            .set_no_tls_verify(!settings.tls_verify);
        if let Some(pem) = settings.ca.as_ref().filter(|_| settings.tls_verify) {
            let config =
                trusting(pem).map_err(|why| Failure::new(Step::Settings, format!("SENTRY_LDAP_CA_FILE: {why:#}")))?;
            options = options.set_config(Arc::new(config));
        }
        let (connection, ldap) = LdapConnAsync::with_settings(options, &settings.uri).await.map_err(|error| {
            let step = match &error {
                LdapError::Rustls { .. } | LdapError::DNSName { .. } | LdapError::LdapResult { .. } => Step::Tls,
                LdapError::Io { source } if tls_inside(source) => Step::Tls,
                LdapError::UrlParsing { .. } | LdapError::UnknownScheme(_) => Step::Settings,
                _ => Step::Connect,
            };
            let code = if let LdapError::LdapResult { result } = &error { result.rc } else { 0 };
            Failure { step, code, text: format!("{}: {error}", settings.uri), cause: Some(error) }
        })?;
        tokio::spawn(async move {
            if let Err(error) = connection.drive().await {
                tracing::debug!("a connection to a directory ended: {error}");
            }
        });
        Ok(Client { ldap, timeout: settings.timeout })
    }

    /// Binds; whether the password is right. An empty one is refused here too: to the server it would be an anonymous bind.
    pub async fn bind(&mut self, step: Step, dn: &str, password: &SecretString) -> Result<bool, Failure> {
        if password.expose_secret().is_empty() {
            return Ok(false);
        }
        let answer = self.ldap.with_timeout(self.timeout).simple_bind(dn, password.expose_secret()).await;
        match answer.map_err(|error| failed(step, dn, error))? {
            LdapResult { rc: 0, .. } => Ok(true),
            // Some servers say that there is no such entry; to whoever asks it is the same.
            LdapResult { rc: INVALID_CREDENTIALS | NO_SUCH_OBJECT, .. } => Ok(false),
            result => Err(refused(step, &format!("binding as {dn}"), &result)),
        }
    }

    /// Searches; at most so many entries are wanted.
    pub async fn search(&mut self, search: &Search, attributes: &[&str], most: i32) -> Result<Found, Failure> {
        let what = format!("searching {} below {}", search.filter, search.base);
        let limit = i32::try_from(self.timeout.as_secs()).unwrap_or(60);
        let options = SearchOptions::new().sizelimit(most).timelimit(limit);
        let ldap = self.ldap.with_timeout(self.timeout);
        let searching =
            ldap.with_search_options(options).search(&search.base, search.scope, &search.filter, attributes.to_vec());
        // The library's time is for each entry; a server that drips must not hold somebody up for ever.
        let answer = tokio::time::timeout(self.timeout * 2, searching).await;
        let answer = answer.map_err(|_| Failure::new(Step::Search, format!("{what}: no answer in time")))?;
        let answer = answer.map_err(|error| failed(Step::Search, &what, error))?;
        let mut found = Found::default();
        for entry in answer.0 {
            match entry {
                entry if entry.is_ref() => found.referrals += 1,
                entry if entry.is_intermediate() => (),
                entry => found.entries.push(Entry::read(SearchEntry::construct(entry))),
            }
        }
        match answer.1 {
            LdapResult { rc: 0 | SIZE_LIMIT, .. } => Ok(found),
            result => Err(refused(Step::Search, &what, &result)),
        }
    }

    /// The entry with this DN, if one may see it.
    pub async fn entry(&mut self, dn: &str, attributes: &[&str]) -> Result<Option<Entry>, Failure> {
        let search = Search { base: dn.to_owned(), scope: Scope::Base, filter: "(objectClass=*)".to_owned() };
        match self.search(&search, attributes, 1).await {
            Ok(found) => Ok(found.entries.into_iter().next()),
            Err(Failure { code: NO_SUCH_OBJECT, .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Says goodbye. Whoever does not, is dropped.
    pub async fn close(mut self) {
        let _ = self.ldap.with_timeout(self.timeout).unbind().await;
    }
}

fn trusting(pem: &Pem) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem.read()?.unwrap_or_default()) {
        roots.add(certificate?)?;
    }
    anyhow::ensure!(!roots.is_empty(), "there is no certificate in it");
    Ok(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

fn tls_inside(error: &io::Error) -> bool {
    // A server that does not speak TLS may just hang up.
    error.kind() == io::ErrorKind::UnexpectedEof
        || error
            .get_ref()
            .is_some_and(<dyn std::error::Error + std::marker::Send + std::marker::Sync + 'static>::is::<rustls::Error>)
}

fn failed(step: Step, what: &str, error: LdapError) -> Failure {
    Failure { step, code: 0, text: format!("{what}: {error}"), cause: Some(error) }
}

fn refused(step: Step, what: &str, result: &LdapResult) -> Failure {
    let text = match result.rc {
        REFERRAL => {
            format!("{what}: the server sends us to {}, and referrals are never followed", result.refs.join(" "))
        }
        NO_SUCH_OBJECT => format!("{what}: there is no such entry; the server knows {:?}", result.matched),
        code => format!("{what}: {} ({code}) {}", words(code), result.text),
    };
    Failure { step, cause: None, code: result.rc, text: text.trim_end().to_owned() }
}

/// What the codes mean that servers answer with most.
fn words(code: u32) -> &'static str {
    match code {
        1 => "operations error: this server wants a bind first",
        3 => "time limit exceeded",
        7 | 8 => "the server wants another kind of bind",
        13 => "the server wants an encrypted connection",
        50 => "not allowed to",
        51 | 52 => "the server is busy or away",
        53 => "the server is unwilling to",
        _ => "refused",
    }
}
