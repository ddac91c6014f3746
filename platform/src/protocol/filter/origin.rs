//! From which pages a project takes events: its allowed domains.

/// Whether a page of an origin may send. No origin is no page: it may.
pub fn is_allowed(domains: &[String], origin: Option<&str>) -> bool {
    let Some(origin) = origin.map(str::trim).filter(|origin| !origin.is_empty()) else { return true };
    domains.iter().any(|domain| matches(domain.trim(), origin))
}

/// A place as `[scheme://]host[:port]`.
struct Place<'a> {
    scheme: Option<&'a str>,
    host: &'a str,
    port: Option<&'a str>,
}

impl<'a> Place<'a> {
    fn parse(text: &'a str) -> Place<'a> {
        let (scheme, rest) = text.split_once("://").map_or((None, text), |(scheme, rest)| (Some(scheme), rest));
        let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, Some(port)),
            _ => (rest, None),
        };
        Place { scheme, host, port }
    }
}

fn matches(domain: &str, origin: &str) -> bool {
    if domain == "*" {
        return true;
    }
    let (domain, origin) = (domain.to_lowercase(), origin.to_lowercase());
    let (wanted, found) = (Place::parse(&domain), Place::parse(&origin));
    // A URL with its scheme's own port has no port.
    let port = match (found.scheme, found.port) {
        (Some("http"), Some("80")) | (Some("https"), Some("443")) => None,
        (_, port) => port,
    };
    let host = match wanted.host {
        "*" => true,
        host => match host.strip_prefix("*.") {
            Some(parent) => {
                found.host == parent || found.host.strip_suffix(parent).is_some_and(|sub| sub.ends_with('.'))
            }
            None => found.host == host,
        },
    };
    host && (wanted.scheme.is_none() || wanted.scheme == found.scheme) && (wanted.port.is_none() || wanted.port == port)
}
