//! Who sends: the key and client an SDK names in a header, in the query string, in the path or in its DSN.
//!
//! The grammar of headers is `Sentry key=value, key=value`: <https://develop.sentry.dev/sdk/overview/#authentication>. Exactly
//! one place may name the sender. Secrets and timestamps of old SDKs are taken and ignored.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use thiserror::Error;

/// What a sender said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// 32 characters, lower-case.
    pub public_key: String,
    /// `sentry.python/2.9.0`
    pub client: Option<String>,
}

/// The places a request may name its sender in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Places<'a> {
    /// The header `X-Sentry-Auth`.
    pub x_sentry_auth: Option<&'a str>,
    /// The header `Authorization`, of which only `Sentry` and `Basic` are ours.
    pub authorization: Option<&'a str>,
    /// The query string, which counts as soon as it contains `sentry_`.
    pub query: Option<&'a str>,
    /// The key as a segment of the path.
    pub path: Option<&'a str>,
}

/// Why the sender is not known. The texts are those that Sentry answers with.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AuthError {
    /// Nothing names a sender.
    #[error("missing authorization information")]
    Missing,
    /// More than one place does.
    #[error("multiple authorization payloads detected")]
    Several,
    /// No key can be read.
    #[error("bad x-sentry-auth header")]
    Malformed,
    /// A protocol newer than ours.
    #[error("unsupported protocol version ({0})")]
    Version(u32),
    /// The key cannot be one.
    #[error("bad sentry DSN public key")]
    BadKey,
    /// An envelope that should name its sender does not.
    #[error("bad envelope authentication header")]
    BadDsn,
}

/// A DSN, `https://KEY[:SECRET]@HOST[/PATH]/PROJECT`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dsn {
    /// 32 characters, lower-case.
    pub public_key: String,
    /// The project's id, as it stands there.
    pub project: String,
}

/// The newest version of the protocol.
const NEWEST_VERSION: u32 = 7;
const KEY_LENGTH: usize = 32;

/// Finds the one sender among the places it may name itself in.
pub fn find(places: Places<'_>) -> Result<Auth, AuthError> {
    let header = places.x_sentry_auth.map(|text| from_pairs(&header_pairs(after_scheme(text))));
    let authorization = places.authorization.and_then(from_authorization);
    let query = places.query.filter(|query| query.contains("sentry_")).map(|query| from_pairs(&query_pairs(query)));
    let path = places.path.map(|key| Ok(Auth { public_key: checked_key(key)?, client: None }));
    let mut named = [header, authorization, query, path].into_iter().flatten();
    match (named.next(), named.next()) {
        (Some(auth), None) => auth,
        (None, _) => Err(AuthError::Missing),
        (Some(_), Some(_)) => Err(AuthError::Several),
    }
}

impl Dsn {
    /// Reads a DSN.
    pub fn parse(text: &str) -> Result<Dsn, AuthError> {
        let (_, rest) = text.split_once("://").ok_or(AuthError::BadDsn)?;
        let (user, place) = rest.split_once('@').ok_or(AuthError::BadDsn)?;
        let (_, project) = place.trim_end_matches('/').rsplit_once('/').ok_or(AuthError::BadDsn)?;
        let key = user.split(':').next().unwrap_or_default();
        Ok(Dsn { public_key: checked_key(key)?, project: project.to_owned() })
    }
}

/// `Sentry …` or `Basic …`; any other scheme is not meant for us.
fn from_authorization(header: &str) -> Option<Result<Auth, AuthError>> {
    let (scheme, rest) = header.trim().split_once(char::is_whitespace)?;
    if scheme.eq_ignore_ascii_case("sentry") {
        return Some(from_pairs(&header_pairs(rest)));
    }
    scheme.eq_ignore_ascii_case("basic").then(|| from_basic(rest.trim()))
}

/// `base64(KEY:ANYTHING)`
fn from_basic(encoded: &str) -> Result<Auth, AuthError> {
    let decoded = BASE64_STANDARD.decode(encoded).map_err(|_| AuthError::Malformed)?;
    let text = String::from_utf8(decoded).map_err(|_| AuthError::Malformed)?;
    let key = text.split(':').next().unwrap_or_default();
    Ok(Auth { public_key: checked_key(key)?, client: None })
}

fn after_scheme(header: &str) -> &str {
    let header = header.trim();
    match header.split_once(char::is_whitespace) {
        Some((first, rest)) if first.eq_ignore_ascii_case("sentry") => rest,
        _ => header,
    }
}

type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

fn header_pairs(text: &str) -> Vec<Pair<'_>> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(key, value)| (key.trim().into(), value.trim().into())).collect()
}

fn query_pairs(query: &str) -> Vec<Pair<'_>> {
    form_urlencoded::parse(query.as_bytes()).collect()
}

fn from_pairs(pairs: &[Pair<'_>]) -> Result<Auth, AuthError> {
    let find = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref());
    let key = find("sentry_key").ok_or(AuthError::Malformed)?;
    if let Some(version) = find("sentry_version") {
        let major = version.split('.').next().unwrap_or_default();
        let major: u32 = major.parse().map_err(|_| AuthError::Malformed)?;
        if major > NEWEST_VERSION {
            return Err(AuthError::Version(major));
        }
    }
    Ok(Auth { public_key: checked_key(key)?, client: find("sentry_client").map(str::to_owned) })
}

fn checked_key(key: &str) -> Result<String, AuthError> {
    // Some proxies' cache flags follow a dot; the key is what stands before it.
    let key = key.split('.').next().unwrap_or_default();
    if key.len() == KEY_LENGTH && key.is_ascii() { Ok(key.to_ascii_lowercase()) } else { Err(AuthError::BadKey) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn basic(text: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(text))
    }

    #[test]
    fn a_sender_is_found_wherever_it_names_itself() {
        let header = format!("Sentry sentry_version=7, sentry_client=raven-java/8, sentry_key={KEY}, sentry_secret=s");
        let query = format!("sentry_key={KEY}&sentry_version=7.0&sentry_client=raven-java%2F8");
        let full = [
            Places { x_sentry_auth: Some(&header), ..Places::default() },
            Places { authorization: Some(&header), ..Places::default() },
            Places { query: Some(&query), ..Places::default() },
        ];
        for places in full {
            let found = find(places).unwrap();
            assert_eq!((found.public_key.as_str(), found.client.as_deref()), (KEY, Some("raven-java/8")));
        }
        let basic = basic(&format!("{KEY}:secret"));
        let bare = [
            Places { x_sentry_auth: Some(&format!("sentry_key={KEY}")), ..Places::default() },
            Places { x_sentry_auth: Some(&format!("SENTRY sentry_key = {KEY}.no-cache")), ..Places::default() },
            Places { authorization: Some(&basic), ..Places::default() },
            Places { authorization: Some("Bearer token"), path: Some(KEY), ..Places::default() },
            Places { query: Some("status=ok"), path: Some(KEY), ..Places::default() },
        ];
        for places in bare {
            assert_eq!(find(places), Ok(Auth { public_key: KEY.into(), client: None }), "{places:?}");
        }
    }

    #[test]
    fn a_sender_that_is_unclear_is_refused_with_the_words_of_sentry() {
        let header = format!("Sentry sentry_key={KEY}");
        let newer = format!("{header}, sentry_version=8");
        let nonsense = format!("{header}, sentry_version=seven");
        let named = Places { x_sentry_auth: Some(&header), ..Places::default() };
        let cases = [
            (Places::default(), AuthError::Missing),
            (Places { authorization: Some("Bearer token"), ..Places::default() }, AuthError::Missing),
            (Places { query: Some("sentry_key=a"), ..named }, AuthError::Several),
            (Places { query: Some("sentry_data=a"), ..named }, AuthError::Several),
            (Places { path: Some(KEY), ..named }, AuthError::Several),
            (Places { authorization: Some(&header), ..named }, AuthError::Several),
            (Places { x_sentry_auth: Some("Sentry sentry_version=7"), ..Places::default() }, AuthError::Malformed),
            (Places { x_sentry_auth: Some(&nonsense), ..Places::default() }, AuthError::Malformed),
            (Places { authorization: Some("Basic ???"), ..Places::default() }, AuthError::Malformed),
            (Places { query: Some("sentry_data=e30"), ..Places::default() }, AuthError::Malformed),
            (Places { x_sentry_auth: Some(&newer), ..Places::default() }, AuthError::Version(8)),
            (Places { x_sentry_auth: Some("Sentry sentry_key=short"), ..Places::default() }, AuthError::BadKey),
        ];
        for (places, expected) in cases {
            assert_eq!(find(places), Err(expected), "{places:?}");
        }
    }

    #[test]
    fn a_dsn_is_taken_apart() {
        let dsn = |text: &str| Dsn::parse(text).map(|dsn| (dsn.public_key, dsn.project));
        let expected = Ok((KEY.to_owned(), "7".to_owned()));
        assert_eq!(dsn(&format!("https://{KEY}@sentry.example/7")), expected);
        assert_eq!(dsn(&format!("http://{KEY}:secret@sentry.example:9000/prefix/7/")), expected);
        assert_eq!(dsn("https://short@sentry.example/7"), Err(AuthError::BadKey));
        for wrong in ["sentry.example/7", "https://sentry.example/7", &format!("https://{KEY}@sentry.example")] {
            assert_eq!(dsn(wrong), Err(AuthError::BadDsn), "{wrong}");
        }
    }
}
