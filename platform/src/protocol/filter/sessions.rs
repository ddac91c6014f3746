//! Which sessions a project does not want: those of clients, releases and robots whose events it does not want either.

use std::{borrow::Cow, net::IpAddr};

use serde::Deserialize;

use super::{super::glob::any_matches, Filters, Reason, crawlers};

/// What both kinds of sessions say of their sender.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Session<'a> {
    #[serde(borrow)]
    attrs: Attributes<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Attributes<'a> {
    #[serde(borrow)]
    release: Option<Cow<'a, str>>,
    ip_address: Option<Cow<'a, str>>,
    user_agent: Option<Cow<'a, str>>,
}

impl Filters {
    /// Why a `session` or `sessions` is not wanted, if it is not. What cannot be read is for others to refuse.
    pub fn reason_of_session(&self, payload: &[u8], client_ip: Option<IpAddr>) -> Option<Reason> {
        let Ok(Session { attrs }) = serde_json::from_slice(payload) else { return None };
        let own_ip = attrs.ip_address.and_then(|ip| ip.parse().ok());
        let is_unwanted = |ip: IpAddr| self.client_ips.iter().any(|range| range.contains(ip));
        if [client_ip, own_ip].into_iter().flatten().any(is_unwanted) {
            return Some(Reason::ClientIp);
        }
        if attrs.release.is_some_and(|release| any_matches(&self.releases, &release)) {
            return Some(Reason::Release);
        }
        let is_crawler = self.web_crawlers && attrs.user_agent.is_some_and(|agent| crawlers::is_crawler(&agent));
        is_crawler.then_some(Reason::WebCrawlers)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{
        super::{IpRange, globs},
        *,
    };

    #[test]
    fn a_session_is_unwanted_for_where_it_comes_from() {
        let filters = Filters {
            client_ips: IpRange::parse("192.0.2.0/24").into_iter().collect(),
            releases: globs(["*-dirty"]),
            web_crawlers: true,
            ..Filters::default()
        };
        let reason = |attrs: Value, ip: &str| {
            filters.reason_of_session(json!({"attrs": attrs}).to_string().as_bytes(), ip.parse().ok())
        };
        let plain = json!({"release": "1.0", "user_agent": "Mozilla/5.0 Firefox/140.0", "ip_address": "198.51.100.7"});
        assert_eq!(reason(plain.clone(), "198.51.100.7"), None);
        assert_eq!(reason(plain, "192.0.2.7"), Some(Reason::ClientIp));
        assert_eq!(reason(json!({"ip_address": "192.0.2.7"}), ""), Some(Reason::ClientIp));
        assert_eq!(reason(json!({"release": "1.0-dirty"}), ""), Some(Reason::Release));
        assert_eq!(reason(json!({"user_agent": "Googlebot/2.1"}), ""), Some(Reason::WebCrawlers));
        assert_eq!(Filters::default().reason_of_session(b"{\"attrs\":{\"user_agent\":\"Googlebot/2.1\"}}", None), None);
        assert_eq!(filters.reason_of_session(b"no session", "192.0.2.7".parse().ok()), None);
    }
}
