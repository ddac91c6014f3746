//! Where a request comes from, for the audit log and for who tries too often.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, header, request::Parts},
};

/// The longest name of a browser that is kept.
const LONGEST_AGENT: usize = 200;

/// Where a request comes from.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// Empty where nothing is known.
    pub address: String,
    /// What the browser calls itself.
    pub agent: String,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip().to_canonical());
        let address = peer.map(|peer| address(peer, &parts.headers).to_string()).unwrap_or_default();
        let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        Ok(Caller { address, agent: agent.chars().take(LONGEST_AGENT).collect() })
    }
}

/// The peer's, or what a proxy of ours says of it. What stands further left in the header the caller may have written: only the
/// last address that is not of our own network counts, or else whoever guesses passwords would have a new address each time.
fn address(peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    if !is_near(peer) {
        return peer;
    }
    let said = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let said: Vec<IpAddr> = said.flat_map(|value| value.split(',')).filter_map(|one| one.trim().parse().ok()).collect();
    said.iter().rev().find(|one| !is_near(**one)).or(said.first()).copied().unwrap_or(peer)
}

/// Of this machine or its network, where proxies are.
fn is_near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &str) -> String {
        let mut headers = HeaderMap::new();
        if !forwarded.is_empty() {
            headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        }
        address(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_a_proxy_near_us_may_say_whom_it_speaks_for() {
        assert_eq!(seen("203.0.113.9", "198.51.100.1"), "203.0.113.9");
        assert_eq!(seen("10.0.0.2", "198.51.100.1"), "198.51.100.1");
        assert_eq!(seen("10.0.0.2", "1.2.3.4, 198.51.100.1, 10.0.0.7"), "198.51.100.1", "the left end is the caller's");
        assert_eq!(seen("10.0.0.2", "10.1.1.1"), "10.1.1.1");
        assert_eq!(seen("127.0.0.1", ""), "127.0.0.1");
    }
}
