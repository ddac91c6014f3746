//! Every setting of the platform: one struct, one manual (`picket run web --help`), one snapshot (`config/platform.env`).
//!
//! The names are those of Sentry's on-premise images, so that an existing `.env` works unchanged; new ones extend the family.
//! Every secret can also be named by a file (`NAME_FILE`), as Docker and Kubernetes mount them.

mod files;
mod ldap;
mod outbound;
mod pem;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context, Result, ensure};
use chrono::TimeDelta;
use clap::{
    ArgAction, Args, ValueEnum,
    builder::{BoolishValueParser, OsStringValueParser, StringValueParser, TypedValueParser},
};
use secrecy::{ExposeSecret, SecretString};

pub use files::FileStore;
pub use ldap::Ldap;
pub use outbound::{Alerts, Networks, Outbound};
pub use pem::{Pem, read_pem};

/// The settings, as `clap` reads them from the environment or from flags.
#[derive(Args, Clone, Debug)]
pub struct Config {
    #[command(flatten)]
    pub site: Site,
    #[command(flatten)]
    pub postgres: Postgres,
    #[command(flatten)]
    pub redis: Redis,
    #[command(flatten)]
    pub queue: Queue,
    #[command(flatten)]
    pub files: FileStore,
    #[command(flatten)]
    pub retention: Retention,
    #[command(flatten)]
    pub mail: Mail,
    #[command(flatten)]
    pub outbound: Outbound,
    #[command(flatten)]
    pub alerts: Alerts,
    #[command(flatten)]
    pub ldap: Ldap,
    #[command(flatten)]
    pub web: Web,
}

/// What the whole installation shares.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Site")]
pub struct Site {
    /// Signs sessions and encrypts stored credentials; `picket config generate-secret-key` makes one.
    #[arg(long, value_name = "SECRET", env = "SENTRY_SECRET_KEY", value_parser = secret(), hide_env_values = true)]
    pub secret_key: Option<SecretString>,
    /// A file that holds the secret key.
    #[arg(long, value_name = "FILE", env = "SENTRY_SECRET_KEY_FILE", value_parser = path())]
    pub secret_key_file: Option<PathBuf>,
    /// Secret keys there were before, one a line: they still open stored credentials.
    #[arg(long, value_name = "SECRET", env = "SENTRY_SECRET_KEY_PREVIOUS", value_parser = secret(), hide_env_values = true)]
    pub secret_key_previous: Option<SecretString>,
    /// A file that holds secret keys there were before.
    #[arg(long, value_name = "FILE", env = "SENTRY_SECRET_KEY_PREVIOUS_FILE", value_parser = path())]
    pub secret_key_previous_file: Option<PathBuf>,
    /// Where people and SDKs reach the platform: scheme and host, no path. DSNs and links in mails begin with it.
    #[arg(long, value_name = "URL", env = "SENTRY_URL_PREFIX", default_value = "http://localhost:9000")]
    pub url_prefix: String,
    /// Behind a proxy that speaks https: session cookies are sent over TLS only.
    #[arg(long, value_name = "BOOL", env = "SENTRY_USE_SSL", default_value_t = false, value_parser = flag(), action = ArgAction::Set)]
    pub use_ssl: bool,
    /// One organisation for everybody.
    #[arg(long, value_name = "BOOL", env = "SENTRY_SINGLE_ORGANIZATION", default_value_t = true, value_parser = flag(), action = ArgAction::Set)]
    pub single_organization: bool,
    /// The time zone of people who have not chosen one.
    #[arg(long, value_name = "ZONE", env = "TZ", default_value = "UTC")]
    pub timezone: String,
    /// The language of people whose browser asks for none that we speak, and of channels of the configuration.
    #[arg(long, value_name = "LANGUAGE", env = "SENTRY_LANGUAGE", value_enum, default_value_t = Tongue::En)]
    pub language: Tongue,
}

/// A language, as settings name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tongue {
    En,
    Zh,
}

/// The external PostgreSQL, 14 or newer.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "PostgreSQL")]
pub struct Postgres {
    /// Host name or address.
    #[arg(id = "postgres-host", long, value_name = "HOST", env = "SENTRY_POSTGRES_HOST", default_value = "localhost")]
    pub host: String,
    /// The port it listens on.
    #[arg(id = "postgres-port", long, value_name = "PORT", env = "SENTRY_POSTGRES_PORT", default_value_t = 5432)]
    pub port: u16,
    /// The database's name.
    #[arg(id = "db-name", long, value_name = "NAME", env = "SENTRY_DB_NAME", default_value = "postgres")]
    pub name: String,
    /// Who signs in; has to be allowed to create tables.
    #[arg(id = "db-user", long, value_name = "USER", env = "SENTRY_DB_USER", default_value = "postgres")]
    pub user: String,
    /// The password that goes with the user.
    #[arg(id = "db-password", long, value_name = "SECRET", env = "SENTRY_DB_PASSWORD", value_parser = secret(), hide_env_values = true)]
    pub password: Option<SecretString>,
    /// A file that holds the password.
    #[arg(id = "db-password-file", long, value_name = "FILE", env = "SENTRY_DB_PASSWORD_FILE", value_parser = path())]
    pub password_file: Option<PathBuf>,
    /// Whether the connection is encrypted and the server checked, in libpq's words.
    #[arg(id = "postgres-sslmode", long, value_name = "MODE", env = "SENTRY_POSTGRES_SSLMODE", value_enum, default_value_t = SslMode::Prefer)]
    pub sslmode: SslMode,
    /// The CA that signed the server's certificate: a PEM file, or the PEM itself.
    #[arg(id = "postgres-sslrootcert", long, value_name = "PEM", env = "SENTRY_POSTGRES_SSLROOTCERT")]
    pub sslrootcert: Option<Pem>,
    /// Our certificate, where the server asks for one: a PEM file, or the PEM itself.
    #[arg(id = "postgres-sslcert", long, value_name = "PEM", env = "SENTRY_POSTGRES_SSLCERT")]
    pub sslcert: Option<Pem>,
    /// The private key of our certificate: a PEM file, or the PEM itself.
    #[arg(id = "postgres-sslkey", long, value_name = "PEM", env = "SENTRY_POSTGRES_SSLKEY", hide_env_values = true)]
    pub sslkey: Option<Pem>,
    /// Connections one process holds at the most.
    #[arg(
        id = "postgres-max-connections",
        long,
        value_name = "N",
        env = "SENTRY_POSTGRES_MAX_CONNECTIONS",
        default_value_t = 10
    )]
    pub max_connections: u32,
}

/// How the connection to PostgreSQL is encrypted and checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SslMode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// The external Redis, 6.2 or newer.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Redis")]
pub struct Redis {
    /// Host name or address.
    #[arg(id = "redis-host", long, value_name = "HOST", env = "SENTRY_REDIS_HOST", default_value = "localhost")]
    pub host: String,
    /// The port it listens on.
    #[arg(id = "redis-port", long, value_name = "PORT", env = "SENTRY_REDIS_PORT", default_value_t = 6379)]
    pub port: u16,
    /// The password, where the server asks for one.
    #[arg(id = "redis-password", long, value_name = "SECRET", env = "SENTRY_REDIS_PASSWORD", value_parser = secret(), hide_env_values = true)]
    pub password: Option<SecretString>,
    /// A file that holds the password.
    #[arg(id = "redis-password-file", long, value_name = "FILE", env = "SENTRY_REDIS_PASSWORD_FILE", value_parser = path())]
    pub password_file: Option<PathBuf>,
    /// The number of the database.
    #[arg(id = "redis-db", long, value_name = "N", env = "SENTRY_REDIS_DB", default_value_t = 0)]
    pub db: i64,
    /// Speak TLS from the first byte (`rediss`).
    #[arg(id = "redis-tls", long, value_name = "BOOL", env = "SENTRY_REDIS_TLS", default_value_t = false, value_parser = flag(), action = ArgAction::Set)]
    pub tls: bool,
    /// The CA that signed the server's certificate: a PEM file, or the PEM itself.
    #[arg(id = "redis-tls-ca", long, value_name = "PEM", env = "SENTRY_REDIS_TLS_CA")]
    pub tls_ca: Option<Pem>,
    /// Our certificate, where the server asks for one: a PEM file, or the PEM itself.
    #[arg(id = "redis-tls-cert", long, value_name = "PEM", env = "SENTRY_REDIS_TLS_CERT")]
    pub tls_cert: Option<Pem>,
    /// The private key of our certificate: a PEM file, or the PEM itself.
    #[arg(id = "redis-tls-key", long, value_name = "PEM", env = "SENTRY_REDIS_TLS_KEY", hide_env_values = true)]
    pub tls_key: Option<Pem>,
}

/// What carries events from web to the workers.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Queue")]
pub struct Queue {
    /// Redis Streams, or the spool alone on one machine.
    #[arg(id = "queue", long = "queue", value_name = "QUEUE", env = "SENTRY_QUEUE", value_enum, default_value_t = QueueKind::Redis)]
    pub kind: QueueKind,
    /// Where the spool and other files live.
    #[arg(long, value_name = "DIR", env = "SENTRY_FILESTORE_DIR", default_value = "/var/lib/sentry/files")]
    pub filestore_dir: PathBuf,
    /// How many bytes may wait on this machine while Redis is away, or for the workers where there is no Redis.
    #[arg(id = "spool-bytes", long, value_name = "BYTES", env = "SENTRY_SPOOL_BYTES", default_value_t = 1 << 30)]
    pub most_spooled_bytes: u64,
    /// How many bytes may wait in Redis; beyond it SDKs are told to pause.
    #[arg(id = "queue-bytes", long, value_name = "BYTES", env = "SENTRY_QUEUE_BYTES", default_value_t = 1 << 30)]
    pub most_queued_bytes: u64,
    /// After how many seconds another worker takes over what a silent one had taken.
    #[arg(long, value_name = "SECONDS", env = "SENTRY_QUEUE_RECLAIM_SECONDS", default_value_t = 30)]
    pub reclaim_seconds: u64,
    /// Events a worker takes at a time.
    #[arg(long, value_name = "N", env = "SENTRY_WORKER_BATCH", default_value_t = 500)]
    pub worker_batch: usize,
}

impl Queue {
    /// How long a taken message may stay unacknowledged before another worker takes it over.
    pub fn reclaim_after(&self) -> Duration {
        Duration::from_secs(self.reclaim_seconds)
    }
}

/// How long what was sent is kept.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Retention")]
pub struct Retention {
    /// Days after which events, and issues that had none since, are deleted; 0 keeps them for ever.
    #[arg(long, value_name = "DAYS", env = "SENTRY_EVENT_RETENTION_DAYS", default_value_t = 90)]
    pub event_days: u32,
}

impl Retention {
    /// How old an event may be that comes in; an older one has a wrong clock.
    pub fn of_events(&self) -> TimeDelta {
        const FOR_EVER: u32 = 36_525;
        TimeDelta::days(i64::from(if self.event_days == 0 { FOR_EVER } else { self.event_days.min(FOR_EVER) }))
    }
}

/// Which queue carries the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum QueueKind {
    Redis,
    Spool,
}

/// The SMTP server that takes our mail. Without a host, no mail is sent.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Mail")]
pub struct Mail {
    /// The sender of every mail.
    #[arg(long, value_name = "ADDRESS", env = "SENTRY_SERVER_EMAIL", default_value = "root@localhost")]
    pub server_email: String,
    /// Host name or address of the SMTP server.
    #[arg(id = "email-host", long, value_name = "HOST", env = "SENTRY_EMAIL_HOST")]
    pub host: Option<String>,
    /// The port it listens on: usually 25, 587 (STARTTLS) or 465 (TLS from the first byte).
    #[arg(id = "email-port", long, value_name = "PORT", env = "SENTRY_EMAIL_PORT", default_value_t = 25)]
    pub port: u16,
    /// Who signs in, where the server asks for it.
    #[arg(id = "email-user", long, value_name = "USER", env = "SENTRY_EMAIL_USER")]
    pub user: Option<String>,
    /// The password that goes with the user.
    #[arg(id = "email-password", long, value_name = "SECRET", env = "SENTRY_EMAIL_PASSWORD", value_parser = secret(), hide_env_values = true)]
    pub password: Option<SecretString>,
    /// A file that holds the password.
    #[arg(id = "email-password-file", long, value_name = "FILE", env = "SENTRY_EMAIL_PASSWORD_FILE", value_parser = path())]
    pub password_file: Option<PathBuf>,
    /// STARTTLS: plain at first, then encrypted (ports 25 and 587).
    #[arg(id = "email-use-tls", long, value_name = "BOOL", env = "SENTRY_EMAIL_USE_TLS", default_value_t = false, value_parser = flag(), action = ArgAction::Set)]
    pub use_tls: bool,
    /// TLS from the first byte (port 465).
    #[arg(id = "email-use-ssl", long, value_name = "BOOL", env = "SENTRY_EMAIL_USE_SSL", default_value_t = false, value_parser = flag(), action = ArgAction::Set)]
    pub use_ssl: bool,
    /// The CA that signed the server's certificate: a PEM file, or the PEM itself.
    #[arg(id = "email-ca", long, value_name = "PEM", env = "SENTRY_EMAIL_CA")]
    pub ca: Option<Pem>,
}

/// Where the processes listen.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Listening")]
pub struct Web {
    /// Pages, the Web API and ingest.
    #[arg(long, value_name = "ADDRESS", env = "SENTRY_WEB_LISTEN", default_value = "0.0.0.0:9000")]
    pub listen: SocketAddr,
    /// `/metrics` and `/_health/` of every process.
    #[arg(long, value_name = "ADDRESS", env = "SENTRY_METRICS_LISTEN", default_value = "0.0.0.0:9100")]
    pub metrics_listen: SocketAddr,
    /// How many connections may be open; beyond it the one that has been silent longest is closed.
    #[arg(
        id = "web-max-connections",
        long,
        value_name = "N",
        env = "SENTRY_WEB_MAX_CONNECTIONS",
        default_value_t = 4096
    )]
    pub most_connections: usize,
}

/// The shortest secret key we accept: Sentry warns below it, and signing with less is guessable.
const SHORTEST_SECRET_KEY: usize = 32;

impl Site {
    /// The secret key, from the variable or its file.
    pub fn secret_key(&self) -> Result<SecretString> {
        let key = read("SENTRY_SECRET_KEY", self.secret_key.as_ref(), self.secret_key_file.as_ref())?
            .context("SENTRY_SECRET_KEY is not set: `picket config generate-secret-key` makes one")?;
        ensure!(
            key.expose_secret().len() >= SHORTEST_SECRET_KEY,
            "SENTRY_SECRET_KEY is shorter than {SHORTEST_SECRET_KEY} characters: `picket config generate-secret-key` makes one"
        );
        Ok(key)
    }

    /// The secret keys there were before.
    pub fn previous_keys(&self) -> Result<Vec<SecretString>> {
        let (keys, file) = (self.secret_key_previous.as_ref(), self.secret_key_previous_file.as_ref());
        let keys = read("SENTRY_SECRET_KEY_PREVIOUS", keys, file)?;
        let lines = keys.iter().flat_map(|keys| keys.expose_secret().lines()).map(str::trim);
        Ok(lines.filter(|line| !line.is_empty()).map(SecretString::from).collect())
    }

    /// The public URL of a path that begins with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url_prefix.trim_end_matches('/'))
    }
}

impl Postgres {
    /// The password, from the variable or its file.
    pub fn password(&self) -> Result<Option<SecretString>> {
        read("SENTRY_DB_PASSWORD", self.password.as_ref(), self.password_file.as_ref())
    }
}

impl Redis {
    /// The password, from the variable or its file.
    pub fn password(&self) -> Result<Option<SecretString>> {
        read("SENTRY_REDIS_PASSWORD", self.password.as_ref(), self.password_file.as_ref())
    }
}

impl Mail {
    /// The password, from the variable or its file.
    pub fn password(&self) -> Result<Option<SecretString>> {
        read("SENTRY_EMAIL_PASSWORD", self.password.as_ref(), self.password_file.as_ref())
    }
}

/// Yes or no, in all the ways of writing it that Sentry's images take.
fn flag() -> impl TypedValueParser<Value = bool> {
    BoolishValueParser::new()
}

/// How `clap` reads the name of a file: unlike its own parser, it takes an empty variable, which names none.
pub fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// How `clap` reads a secret.
pub fn secret() -> impl TypedValueParser<Value = SecretString> {
    StringValueParser::new().map(SecretString::from)
}

/// How `clap` reads a time: a number and `s`, `m`, `h` or `d`; in seconds.
pub fn duration(text: &str) -> Result<i64, String> {
    let units = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400)];
    let known = units.into_iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)));
    let read = known.and_then(|(number, seconds)| number.parse::<u32>().ok().map(|number| i64::from(number) * seconds));
    read.ok_or_else(|| "a number and s, m, h or d, as in 90s or 7d".to_owned())
}

/// A secret from its variable or its file; an empty one is none, and both at once is a mistake we do not guess about.
fn read(name: &str, value: Option<&SecretString>, file: Option<&PathBuf>) -> Result<Option<SecretString>> {
    let value = value.filter(|secret| !secret.expose_secret().is_empty());
    let file = file.filter(|path| !path.as_os_str().is_empty());
    ensure!(value.is_none() || file.is_none(), "{name} and {name}_FILE are both set: keep one of them");
    let Some(path) = file else { return Ok(value.cloned()) };
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {name}_FILE {}", path.display()))?;
    let text = text.trim_end_matches(['\r', '\n']);
    Ok(Some(SecretString::from(text)).filter(|_| !text.is_empty()))
}

#[cfg(test)]
mod tests;
