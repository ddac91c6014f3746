//! What a request says of its sending, besides what was sent: when, from where, by which client.
//!
//! Some of it travels with every event and item to the worker, which corrects clocks and fills in addresses by it.

use std::net::{IpAddr, SocketAddr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// When, from where and by which client something was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// When the sender says it sent the envelope, by its own clock.
    #[serde(with = "chrono::serde::ts_microseconds_option")]
    pub at: Option<DateTime<Utc>>,
    /// The address of the client: what the nearest proxy that knows says.
    pub from: Option<IpAddr>,
    /// `sentry.python/2.9.0`, of the authentication.
    pub by: Option<String>,
    /// Of a browser's own report, which says nothing of the browser: the request headers that do.
    pub headers: Vec<(String, String)>,
}

/// The headers that may hold a client's address, the most trusted first.
pub const FORWARDED: [&str; 4] =
    ["cf-connecting-ip", "x-vercel-forwarded-for", "x-sentry-forwarded-for", "x-forwarded-for"];

/// The headers that say which browser reports, and from which site.
pub const OF_BROWSERS: [&str; 8] = [
    "user-agent",
    "origin",
    "sec-ch-ua",
    "sec-ch-ua-full-version-list",
    "sec-ch-ua-mobile",
    "sec-ch-ua-model",
    "sec-ch-ua-platform",
    "sec-ch-ua-platform-version",
];

/// The address of the client: the first in the first header of [`FORWARDED`] that is not empty, else that of the connection.
pub fn address<'a>(forwarded: impl IntoIterator<Item = &'a str>, peer: Option<IpAddr>) -> Option<IpAddr> {
    let Some(list) = forwarded.into_iter().map(str::trim).find(|list| !list.is_empty()) else { return peer };
    let first = list.split(',').next().unwrap_or_default().trim();
    // Some gateways add the port.
    first.parse().ok().or_else(|| first.parse().ok().map(|address: SocketAddr| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_the_first_address_that_a_proxy_names() {
        let peer = "192.0.2.1".parse().ok();
        let cases: [(&[&str], Option<&str>); 7] = [
            (&[], Some("192.0.2.1")),
            (&["", " "], Some("192.0.2.1")),
            (&["203.0.113.9, 198.51.100.2"], Some("203.0.113.9")),
            (&["", "2001:db8::7", "203.0.113.9"], Some("2001:db8::7")),
            (&["203.0.113.9:4711"], Some("203.0.113.9")),
            (&["[2001:db8::7]:4711"], Some("2001:db8::7")),
            (&["unknown, 203.0.113.9"], None),
        ];
        for (forwarded, expected) in cases {
            let expected = expected.and_then(|address| address.parse().ok());
            assert_eq!(address(forwarded.iter().copied(), peer), expected, "{forwarded:?}");
        }
    }
}
