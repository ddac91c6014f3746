//! Who sends: the key and client an SDK names in a header, in the query string or in its DSN.
//!
//! The grammar is `Sentry key=value, key=value`: <https://develop.sentry.dev/sdk/overview/#authentication>.

use thiserror::Error;

/// What a sender said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// 32 lower-case hex digits.
    pub public_key: String,
    /// `sentry.python/2.9.0`
    pub client: Option<String>,
}

/// Why the sender is not known. The texts are those that Sentry answers with.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AuthError {
    #[error("missing authorization information")]
    Missing,
    #[error("multiple authorization payloads detected")]
    Several,
    #[error("bad x-sentry-auth header")]
    Malformed,
    #[error("unsupported protocol version ({0})")]
    Version(u32),
    #[error("bad sentry DSN public key")]
    BadKey,
    #[error("bad envelope authentication header")]
    BadDsn,
}

/// The newest version of the protocol.
const NEWEST_VERSION: u32 = 7;

/// Finds the one sender among the places it may name itself in.
pub fn find(x_sentry_auth: Option<&str>, authorization: Option<&str>, query: Option<&str>) -> Result<Auth, AuthError> {
    let header = x_sentry_auth.map(after_scheme);
    let authorization = authorization.filter(|text| scheme(text).eq_ignore_ascii_case("sentry")).map(after_scheme);
    let query = query.filter(|query| query.contains("sentry_"));
    match (header, authorization, query) {
        (Some(pairs), None, None) | (None, Some(pairs), None) => parse(pairs, ','),
        (None, None, Some(query)) => parse(query, '&'),
        (None, None, None) => Err(AuthError::Missing),
        _ => Err(AuthError::Several),
    }
}

/// Reads the key out of a DSN, `https://KEY[:SECRET]@host/PROJECT`.
pub fn from_dsn(dsn: &str) -> Result<Auth, AuthError> {
    let (_, rest) = dsn.split_once("://").ok_or(AuthError::BadDsn)?;
    let (user, _) = rest.split_once('@').ok_or(AuthError::BadDsn)?;
    let key = user.split(':').next().unwrap_or_default();
    Ok(Auth { public_key: checked_key(key)?, client: None })
}

fn scheme(header: &str) -> &str {
    header.split_whitespace().next().unwrap_or_default()
}

fn after_scheme(header: &str) -> &str {
    let header = header.trim();
    match header.split_once(char::is_whitespace) {
        Some((first, rest)) if first.eq_ignore_ascii_case("sentry") => rest,
        _ => header,
    }
}

fn parse(pairs: &str, separator: char) -> Result<Auth, AuthError> {
    let find = |name: &str| {
        pairs
            .split(separator)
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| key.trim() == name)
            .map(|(_, v)| v.trim())
    };
    let key = find("sentry_key").ok_or(AuthError::Malformed)?;
    if let Some(version) = find("sentry_version") {
        let major = version.split('.').next().unwrap_or_default();
        let major: u32 = major.parse().map_err(|_| AuthError::Malformed)?;
        if major > NEWEST_VERSION {
            return Err(AuthError::Version(major));
        }
    }
    Ok(Auth { public_key: checked_key(key)?, client: find("sentry_client").map(|client| client.replace("%2F", "/")) })
}

fn checked_key(key: &str) -> Result<String, AuthError> {
    // Some proxies' cache flags follow a dot; the key is what stands before it.
    let key = key.split('.').next().unwrap_or_default();
    if key.len() == 32 && key.is_ascii() { Ok(key.to_ascii_lowercase()) } else { Err(AuthError::BadKey) }
}
