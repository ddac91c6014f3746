//! Which sites may send: where a browser says it is, against a project's list.

/// Where a browser's request comes from: its `Origin`, else its `Referer`, if that is the address of a site.
pub fn of<'a>(origin: Option<&'a str>, referer: Option<&'a str>) -> Option<&'a str> {
    let is_site = |text: &&str| Place::parse(text).scheme.is_some_and(|scheme| matches!(scheme, "http" | "https"));
    origin.filter(is_site).or_else(|| referer.filter(is_site))
}

/// Whether a list of patterns allows an origin: `*`, `host`, `*.domain` (and the domain itself), `scheme://host`, `host:port`,
/// `*:port`.
pub fn allows(patterns: &[String], origin: &str) -> bool {
    let origin = origin.to_ascii_lowercase();
    let origin = Place::parse(&origin);
    patterns
        .iter()
        .map(|pattern| pattern.trim().to_ascii_lowercase())
        .any(|pattern| Place::parse(&pattern).covers(&origin))
}

/// Whether a text can be one of those patterns.
pub fn is_pattern(text: &str) -> bool {
    let place = Place::parse(text);
    let may_stand = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    let host = place.host.strip_prefix("*.").unwrap_or(place.host);
    let is_host = host == "*" || (!host.is_empty() && host.chars().all(may_stand));
    let is_scheme = place.scheme.is_none_or(|scheme| matches!(scheme, "*" | "http" | "https"));
    let is_port = place.port.is_none_or(|port| port.parse::<u16>().is_ok());
    is_host && is_scheme && is_port && !text.contains(char::is_whitespace)
}

/// A site's address, or a pattern of some.
struct Place<'a> {
    scheme: Option<&'a str>,
    host: &'a str,
    port: Option<&'a str>,
}

impl<'a> Place<'a> {
    fn parse(text: &'a str) -> Place<'a> {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let authority = authority.rsplit('@').next().unwrap_or_default();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let default = matches!((scheme, port), (Some("http"), Some("80")) | (Some("https"), Some("443")));
        Place { scheme, host, port: port.filter(|_| !default) }
    }

    fn covers(&self, origin: &Place<'_>) -> bool {
        let scheme = self.scheme.is_none_or(|scheme| scheme == "*" || Some(scheme) == origin.scheme);
        let port = self.port.is_none_or(|port| Some(port) == origin.port);
        let host = match self.host.strip_prefix("*.") {
            Some(domain) => {
                origin.host == domain || origin.host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
            }
            None => self.host == "*" || self.host == origin.host,
        };
        scheme && port && host && !self.host.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_allowed_by_what_names_it() {
        let cases = [
            ("*", "https://shop.example", true),
            ("shop.example", "https://shop.example/cart?a=b", true),
            ("SHOP.example", "http://Shop.Example:8080", true),
            ("shop.example", "https://evil-shop.example", false),
            ("*.shop.example", "https://eu.shop.example", true),
            ("*.shop.example", "https://shop.example", true),
            ("*.shop.example", "https://evilshop.example", false),
            ("https://shop.example", "http://shop.example", false),
            ("https://shop.example:443", "https://shop.example", true),
            ("shop.example:8443", "https://shop.example:8443", true),
            ("shop.example:8443", "https://shop.example", false),
            ("*:80", "http://shop.example:80", false),
            ("*:8080", "http://shop.example:8080", true),
            ("", "https://shop.example", false),
            ("shop.example", "https://shop.example@evil.example", false),
            ("[::1]", "http://[::1]", true),
        ];
        for (pattern, origin, expected) in cases {
            assert_eq!(allows(&[pattern.to_owned()], origin), expected, "{pattern} and {origin}");
        }
        assert!(!allows(&[], "https://shop.example"));
    }

    #[test]
    fn a_pattern_names_sites() {
        for right in ["*", "shop.example", "*.shop.example", "https://shop.example:8443", "*:8443", "[::1]", "*://x"] {
            assert!(is_pattern(right), "{right}");
        }
        for wrong in
            ["", "shop.example, other.example", "ftp://shop.example", "shop*.example", "a.example:x", "https://"]
        {
            assert!(!is_pattern(wrong), "{wrong}");
        }
    }

    #[test]
    fn an_origin_is_a_site_or_nothing() {
        assert_eq!(of(Some("https://a.example"), Some("https://b.example/")), Some("https://a.example"));
        assert_eq!(of(Some("null"), Some("https://b.example/")), Some("https://b.example/"));
        assert_eq!(of(Some("null"), Some("file:///etc")), None);
        assert_eq!(of(None, None), None);
    }
}
