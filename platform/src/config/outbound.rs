//! Where the platform may send messages of its own accord.

use std::{net::IpAddr, path::PathBuf, str::FromStr};

use anyhow::Result;
use clap::Args;
use ipnet::IpNet;
use secrecy::SecretString;

use super::{path, read, secret};

/// Webhooks and chat robots. Addresses of this machine and of private networks are refused unless they are named here: whoever
/// may set up a webhook must not reach what only the server can.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Outbound requests")]
pub struct Outbound {
    /// Private networks that webhooks and robots may be in: addresses or CIDR ranges, separated by commas
    #[arg(
        id = "outbound-allow",
        long,
        value_name = "NETWORKS",
        env = "SENTRY_OUTBOUND_ALLOW",
        default_value = "",
        hide_default_value = true
    )]
    pub allow: Networks,
}

/// How people are told.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Alerts")]
pub struct Alerts {
    /// When more comes than a channel takes one by one, for how many seconds it is collected to be told at once.
    #[arg(
        id = "alert-digest-seconds",
        long,
        value_name = "SECONDS",
        env = "SENTRY_ALERT_DIGEST_SECONDS",
        default_value_t = 60
    )]
    pub digest_seconds: u32,
    /// Channels that every organisation has, as a JSON list: kind, name, and as config the fields of that kind.
    #[arg(long, value_name = "JSON", env = "SENTRY_CHANNELS", value_parser = secret(), hide_env_values = true)]
    pub channels: Option<SecretString>,
    /// A file that holds the list of channels.
    #[arg(long, value_name = "FILE", env = "SENTRY_CHANNELS_FILE", value_parser = path())]
    pub channels_file: Option<PathBuf>,
}

impl Alerts {
    /// The list of channels, from the variable or its file.
    pub fn channels(&self) -> Result<Option<SecretString>> {
        read("SENTRY_CHANNELS", self.channels.as_ref(), self.channels_file.as_ref())
    }
}

/// A list of networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Whether an address is in one of them.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl FromStr for Networks {
    type Err = String;

    fn from_str(text: &str) -> Result<Networks, String> {
        let names = text.split([',', ' ']).map(str::trim).filter(|name| !name.is_empty());
        names.map(network).collect::<Result<_, _>>().map(Networks)
    }
}

fn network(name: &str) -> Result<IpNet, String> {
    let address = || name.parse::<IpAddr>().map(IpNet::from);
    name.parse()
        .or_else(|_| address())
        .map_err(|_| format!("{name:?} is neither an address nor a range as in 10.0.0.0/8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_addresses_and_ranges() {
        let networks: Networks = "10.0.0.0/8, 192.168.1.7,fd00::/8".parse().unwrap();
        let contain = |address: &str| networks.contain(address.parse().unwrap());
        assert!(contain("10.1.2.3") && contain("192.168.1.7") && contain("fd00::1"));
        assert!(!contain("192.168.1.8") && !contain("::1"));
        assert_eq!("".parse(), Ok(Networks::default()));
        assert!("intranet".parse::<Networks>().unwrap_err().contains("\"intranet\" is neither"));
    }
}
