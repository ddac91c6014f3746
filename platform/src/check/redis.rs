//! Redis: reachable, lets us in, new enough, a primary that takes writes and never throws one away by itself.

use std::{collections::HashMap, time::Duration};

use redis::{
    AsyncConnectionConfig, ErrorKind, RedisConnectionInfo, RedisError, RedisResult, aio::MultiplexedConnection,
};
use secrecy::ExposeSecret;

use super::{
    Finding, Reason,
    reach::{classify_tls, find, reach},
};
use crate::{
    config::{Config, QueueKind, Redis},
    queue::{client, connection_info},
};

/// How long connecting, and then each answer, may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
/// The oldest release with everything we use of streams.
const OLDEST: (u32, u32) = (6, 2);

/// Connects, signs in, asks the server about itself and writes a key that vanishes.
pub async fn probe(config: &Config) -> Finding {
    if config.queue.kind != QueueKind::Redis {
        return Finding::new(Reason::NotUsed, "the queue is the spool, so Redis is not needed");
    }
    let config = &config.redis;
    if let Err(finding) = reach(&config.host, config.port, "SENTRY_REDIS_HOST").await {
        return finding;
    }
    let password = match config.password() {
        Ok(password) => password.map(|password| password.expose_secret().to_owned()),
        Err(error) => return Finding::new(Reason::SettingsInvalid, format!("{error:#}")),
    };
    let place = format!("{}:{}/{}", config.host, config.port, config.db);
    match examine(config, password.as_deref()).await {
        Ok(info) => judge(&info, &place),
        Err(error) => {
            let reason = match classify(&error) {
                Reason::UnexpectedAnswer | Reason::ConnectTimeout if answers_the_other_way(config).await => {
                    if config.tls { Reason::TlsNotOffered } else { Reason::TlsRequiredByServer }
                }
                reason => reason,
            };
            Finding::new(reason, format!("{place}: {}: {}", harmless(&error), advice(reason)))
        }
    }
}

/// Whether the port answers in the clear where we tried TLS, or with TLS where we tried without.
async fn answers_the_other_way(config: &Redis) -> bool {
    let other = Redis { tls: !config.tls, ..config.clone() };
    let answer = match connect(&other).await {
        Ok(mut connection) => redis::cmd("PING").query_async::<()>(&mut connection).await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(()) => true,
        Err(error) => match find::<rustls::Error>(&error) {
            Some(tls) => classify_tls(tls) != Reason::TlsNotOffered,
            None => error.code() == Some("NOAUTH"),
        },
    }
}

async fn examine(config: &Redis, password: Option<&str>) -> RedisResult<Info> {
    let mut connection = connect(config).await?;
    // Not left to the driver, which answers every refusal with the same words.
    if let Some(password) = password {
        redis::cmd("AUTH").arg(password).query_async::<()>(&mut connection).await?;
    }
    redis::cmd("PING").query_async::<()>(&mut connection).await?;
    redis::cmd("SELECT").arg(config.db).query_async::<()>(&mut connection).await?;
    let text: String = redis::cmd("INFO").query_async(&mut connection).await?;
    let info = Info::parse(&text);
    if info.refuses_writes().is_none() {
        let key = format!("picket:check:{}", uuid::Uuid::new_v4().simple());
        redis::cmd("SET").arg(&key).arg(1).arg("EX").arg(10).query_async::<()>(&mut connection).await?;
        redis::cmd("DEL").arg(&key).query_async::<()>(&mut connection).await?;
    }
    Ok(info)
}

async fn connect(config: &Redis) -> RedisResult<MultiplexedConnection> {
    let settings = connection_info(config).map_err(|error| {
        RedisError::from((ErrorKind::InvalidClientConfig, "reading the settings", format!("{error:#}")))
    })?;
    let client = client(config, settings.set_redis_settings(RedisConnectionInfo::default())).map_err(|error| {
        RedisError::from((ErrorKind::InvalidClientConfig, "reading the settings", format!("{error:#}")))
    })?;
    let timeouts = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(ANSWER_TIMEOUT))
        .set_response_timeout(Some(ANSWER_TIMEOUT));
    client.get_multiplexed_async_connection_with_config(&timeouts).await
}

/// The server's `INFO`: lines of `name:value`.
struct Info(HashMap<String, String>);

impl Info {
    fn parse(text: &str) -> Info {
        let pairs = text.lines().filter_map(|line| line.split_once(':'));
        Info(pairs.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect())
    }

    fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn number(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or(0)
    }

    fn version(&self) -> (u32, u32) {
        let mut parts = self.text("redis_version").split('.').map(|part| part.parse().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    }

    /// The reason for which a write would be refused now.
    fn refuses_writes(&self) -> Option<Reason> {
        let limit = self.number("maxmemory");
        if self.text("role") == "slave" {
            Some(Reason::ReplicaReadOnly)
        } else if limit > 0 && self.number("used_memory") >= limit && self.text("maxmemory_policy") == "noeviction" {
            Some(Reason::OutOfMemory)
        } else {
            None
        }
    }
}

fn judge(info: &Info, place: &str) -> Finding {
    let version = info.text("redis_version");
    if info.version() < OLDEST {
        let message = format!("{place} is Redis {version}: upgrade it to 6.2 or newer");
        return Finding::new(Reason::VersionUnsupported, message);
    }
    if let Some(reason) = info.refuses_writes() {
        return Finding::new(reason, format!("{place} takes no writes: {}", advice(reason)));
    }
    let policy = info.text("maxmemory_policy");
    // The volatile policies spare keys without an expiry, and our streams have none.
    if info.number("maxmemory") > 0 && policy.starts_with("allkeys-") {
        let reason = Reason::EvictionPolicyUnsafe;
        return Finding::new(reason, format!("{place} has the policy {policy}: {}", advice(reason)));
    }
    let durability = match info.text("aof_enabled") {
        "0" => "; appendonly is off: a crash of the server loses events that were accepted",
        _ => "",
    };
    Finding::new(Reason::Connected, format!("{place} (Redis {version}{durability})"))
}

/// The reason behind a driver's error.
fn classify(error: &RedisError) -> Reason {
    if let Some(tls) = find::<rustls::Error>(error) {
        return classify_tls(tls);
    }
    let detail = error.detail().unwrap_or_default();
    match (error.kind(), error.code()) {
        (_, Some("WRONGPASS")) => Reason::WrongPass,
        (_, Some("NOAUTH")) => Reason::AuthRequired,
        (_, Some("OOM")) => Reason::OutOfMemory,
        (_, Some("NOPERM")) => Reason::PrivilegeMissing,
        (_, Some("LOADING" | "MASTERDOWN" | "BUSY")) => Reason::NotReady,
        (_, Some("READONLY")) => Reason::ReplicaReadOnly,
        (_, Some("ERR"))
            if detail.contains("without any password configured") || detail.contains("no password is set") =>
        {
            Reason::NoAuthConfigured
        }
        (_, Some("ERR")) if detail.contains("invalid password") => Reason::WrongPass,
        (_, Some("ERR")) if detail.contains("DB index is out of range") => Reason::DatabaseDoesNotExist,
        (_, Some("ERR")) if detail.contains("max number of clients") => Reason::TooManyConnections,
        (ErrorKind::InvalidClientConfig, _) => Reason::SettingsInvalid,
        _ if error.is_connection_refusal() => Reason::ConnectionRefused,
        _ if error.is_timeout() => Reason::ConnectTimeout,
        _ => Reason::UnexpectedAnswer,
    }
}

/// What the server or the driver said, without arguments: a server that does not know AUTH repeats what was sent with it.
fn harmless(error: &RedisError) -> String {
    let text = match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string(),
    };
    let before = text.split(", with args beginning with").next().unwrap_or_default();
    before.trim_end_matches('.').to_owned()
}

fn advice(reason: Reason) -> &'static str {
    match reason {
        Reason::WrongPass => "correct SENTRY_REDIS_PASSWORD",
        Reason::AuthRequired => "set SENTRY_REDIS_PASSWORD",
        Reason::NoAuthConfigured => {
            "the server has no password: set one there (requirepass), or unset SENTRY_REDIS_PASSWORD"
        }
        Reason::DatabaseDoesNotExist => "correct SENTRY_REDIS_DB, or raise the server's `databases`",
        Reason::PrivilegeMissing => "let the user run the stream commands on keys that begin with picket:",
        Reason::ReplicaReadOnly => "point SENTRY_REDIS_HOST at the primary",
        Reason::OutOfMemory => "its memory is full: raise maxmemory, or find what fills it",
        Reason::EvictionPolicyUnsafe => {
            "it throws queued events away when memory runs out: set maxmemory-policy noeviction"
        }
        Reason::TooManyConnections => "raise maxclients of the server",
        Reason::TlsNotOffered => "the port does not speak TLS: unset SENTRY_REDIS_TLS, or use the server's TLS port",
        Reason::TlsRequiredByServer => "the port speaks TLS: set SENTRY_REDIS_TLS=true",
        Reason::TlsUntrustedCA => "name the CA that signed the server's certificate by SENTRY_REDIS_TLS_CA",
        Reason::TlsHostnameMismatch => "reach the server by the name in its certificate",
        Reason::TlsHandshakeFailed => "look at the server's certificate and TLS settings",
        Reason::NotReady => "the server is busy or starting: try again",
        Reason::ConnectTimeout => "it accepts connections and does not answer: is it Redis that listens there?",
        _ => "is it Redis that listens there?",
    }
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::*;

    /// What the driver makes of a server's answer.
    fn answer(bytes: &str) -> RedisError {
        match redis::parse_redis_value(bytes.as_bytes()) {
            Ok(Value::ServerError(error)) => error.into(),
            Ok(value) => panic!("{value:?} is no error"),
            Err(error) => error,
        }
    }

    #[test]
    fn answers_of_servers_are_told_apart() {
        let no_password = "-ERR AUTH <password> called without any password configured for the default user. Are you sure your \
                           configuration is correct?\r\n";
        let table = [
            ("-WRONGPASS invalid username-password pair or user is disabled.\r\n", Reason::WrongPass),
            ("-NOAUTH Authentication required.\r\n", Reason::AuthRequired),
            (no_password, Reason::NoAuthConfigured),
            ("-ERR Client sent AUTH, but no password is set\r\n", Reason::NoAuthConfigured),
            ("-ERR invalid password\r\n", Reason::WrongPass),
            ("-ERR DB index is out of range\r\n", Reason::DatabaseDoesNotExist),
            ("-ERR max number of clients reached\r\n", Reason::TooManyConnections),
            ("-READONLY You can't write against a read only replica.\r\n", Reason::ReplicaReadOnly),
            ("-OOM command not allowed when used memory > 'maxmemory'.\r\n", Reason::OutOfMemory),
            ("-NOPERM this user has no permissions to run the 'set' command\r\n", Reason::PrivilegeMissing),
            ("-LOADING Redis is loading the dataset in memory\r\n", Reason::NotReady),
            ("-ERR unknown command 'PING'\r\n", Reason::UnexpectedAnswer),
            ("220 smtp.example.com\r\n", Reason::UnexpectedAnswer),
        ];
        for (bytes, reason) in table {
            let error = answer(bytes);
            assert_eq!(classify(&error), reason, "{error}");
        }
    }

    #[test]
    fn connections_that_fail_are_told_apart() {
        let tls = |error| RedisError::from(std::io::Error::new(std::io::ErrorKind::InvalidData, error));
        let untrusted = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let plain = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        let table = [
            (tls(untrusted), Reason::TlsUntrustedCA),
            (tls(plain), Reason::TlsNotOffered),
            (std::io::Error::from(std::io::ErrorKind::TimedOut).into(), Reason::ConnectTimeout),
            (std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into(), Reason::ConnectionRefused),
        ];
        for (error, reason) in table {
            assert_eq!(classify(&error), reason, "{error}");
        }
    }

    #[test]
    fn a_password_that_the_server_repeats_is_not_shown() {
        let error = answer("-ERR unknown command 'AUTH', with args beginning with: 'hunter2' \r\n");
        assert!(!harmless(&error).contains("hunter2"));
        assert!(harmless(&error).contains("unknown command 'AUTH'"), "{}", harmless(&error));
    }

    fn info(lines: &str) -> Info {
        Info::parse(&format!("# Server\r\nredis_version:7.0.15\r\nrole:master\r\naof_enabled:1\r\n{lines}\r\n"))
    }

    #[test]
    fn a_server_that_answers_must_also_be_of_use() {
        let table = [
            ("", Reason::Connected),
            ("redis_version:6.0.16", Reason::VersionUnsupported),
            ("redis_version:6.2.0", Reason::Connected),
            ("role:slave", Reason::ReplicaReadOnly),
            ("maxmemory:0\r\nmaxmemory_policy:allkeys-lru", Reason::Connected),
            ("maxmemory:100\r\nmaxmemory_policy:allkeys-lru", Reason::EvictionPolicyUnsafe),
            ("maxmemory:100\r\nmaxmemory_policy:volatile-lru", Reason::Connected),
            ("maxmemory:100\r\nused_memory:200\r\nmaxmemory_policy:noeviction", Reason::OutOfMemory),
        ];
        for (lines, reason) in table {
            assert_eq!(judge(&info(lines), "redis:6379/0").reason, reason, "{lines}");
        }
    }

    #[test]
    fn a_server_without_aof_is_accepted_with_a_warning() {
        assert!(judge(&info("aof_enabled:0"), "redis:6379/0").message.contains("appendonly is off"));
    }
}
