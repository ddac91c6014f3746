//! Every setting of the platform: one struct, one manual (`picket run web --help`), one snapshot (`config/platform.env`).
//!
//! The names are those of Sentry's on-premise images, so that an existing `.env` works unchanged; new ones extend the family.
//! Every secret can also be named by a file (`NAME_FILE`), as Docker and Kubernetes mount them. Fields of different groups share
//! names, so each has an explicit `id`: clap wants ids unique in a command.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context, Result, ensure};
use clap::{
    Args, ValueEnum,
    builder::{StringValueParser, TypedValueParser},
};
use secrecy::{ExposeSecret, SecretString};

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
    pub mail: Mail,
    #[command(flatten)]
    pub web: Web,
}

/// What the whole installation shares.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Site")]
pub struct Site {
    /// Signs sessions and encrypts stored credentials; `picket config generate-secret-key` makes one.
    #[arg(long, env = "SENTRY_SECRET_KEY", value_parser = secret(), hide_env_values = true)]
    pub secret_key: Option<SecretString>,
    /// A file that holds the secret key.
    #[arg(long, env = "SENTRY_SECRET_KEY_FILE")]
    pub secret_key_file: Option<PathBuf>,
    /// Where people and SDKs reach the platform: scheme and host, no path. DSNs and links in mails begin with it.
    #[arg(long, env = "SENTRY_URL_PREFIX", default_value = "http://localhost:9000")]
    pub url_prefix: String,
    /// Behind a proxy that speaks https: session cookies are sent over TLS only.
    #[arg(long, env = "SENTRY_USE_SSL", default_value_t = false, action = clap::ArgAction::Set)]
    pub use_ssl: bool,
    /// One organisation for everybody.
    #[arg(long, env = "SENTRY_SINGLE_ORGANIZATION", default_value_t = true, action = clap::ArgAction::Set)]
    pub single_organization: bool,
    /// The time zone of people who have not chosen one.
    #[arg(long, env = "TZ", default_value = "UTC")]
    pub timezone: String,
}

/// The external PostgreSQL, 14 or newer.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "PostgreSQL")]
pub struct Postgres {
    /// Host name or address.
    #[arg(long = "postgres-host", id = "postgres-host", env = "SENTRY_POSTGRES_HOST", default_value = "localhost")]
    pub host: String,
    #[arg(long = "postgres-port", id = "postgres-port", env = "SENTRY_POSTGRES_PORT", default_value_t = 5432)]
    pub port: u16,
    /// The database's name.
    #[arg(long = "db-name", id = "db-name", env = "SENTRY_DB_NAME", default_value = "postgres")]
    pub name: String,
    #[arg(long = "db-user", id = "db-user", env = "SENTRY_DB_USER", default_value = "postgres")]
    pub user: String,
    #[arg(long = "db-password", id = "db-password", env = "SENTRY_DB_PASSWORD", value_parser = secret(), hide_env_values = true)]
    pub password: Option<SecretString>,
    /// A file that holds the password.
    #[arg(long = "db-password-file", id = "db-password-file", env = "SENTRY_DB_PASSWORD_FILE")]
    pub password_file: Option<PathBuf>,
    /// As libpq names them.
    #[arg(long = "postgres-sslmode", id = "postgres-sslmode", env = "SENTRY_POSTGRES_SSLMODE", value_enum, default_value_t = SslMode::Prefer)]
    pub sslmode: SslMode,
    /// A PEM file with the CA that signed the server's certificate.
    #[arg(long = "postgres-sslrootcert", id = "postgres-sslrootcert", env = "SENTRY_POSTGRES_SSLROOTCERT")]
    pub sslrootcert: Option<PathBuf>,
    /// Connections one process holds at the most.
    #[arg(long = "postgres-max-connections", id = "postgres-max-connections", env = "SENTRY_POSTGRES_MAX_CONNECTIONS", default_value_t = 10)]
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
    #[arg(long = "redis-host", id = "redis-host", env = "SENTRY_REDIS_HOST", default_value = "localhost")]
    pub host: String,
    #[arg(long = "redis-port", id = "redis-port", env = "SENTRY_REDIS_PORT", default_value_t = 6379)]
    pub port: u16,
    #[arg(long = "redis-password", id = "redis-password", env = "SENTRY_REDIS_PASSWORD", value_parser = secret(), hide_env_values = true)]
    pub password: Option<SecretString>,
    /// A file that holds the password.
    #[arg(long = "redis-password-file", id = "redis-password-file", env = "SENTRY_REDIS_PASSWORD_FILE")]
    pub password_file: Option<PathBuf>,
    /// The number of the database.
    #[arg(long = "redis-db", id = "redis-db", env = "SENTRY_REDIS_DB", default_value_t = 0)]
    pub db: i64,
    /// Speak TLS from the first byte (`rediss`).
    #[arg(long = "redis-tls", id = "redis-tls", env = "SENTRY_REDIS_TLS", default_value_t = false, action = clap::ArgAction::Set)]
    pub tls: bool,
}

/// What carries events from web to the workers.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Queue")]
pub struct Queue {
    /// Redis Streams, or the spool alone on one machine.
    #[arg(long = "queue", id = "queue", env = "SENTRY_QUEUE", value_enum, default_value_t = QueueKind::Redis)]
    pub kind: QueueKind,
    /// Where the spool and other files live.
    #[arg(long, env = "SENTRY_FILESTORE_DIR", default_value = "/var/lib/sentry/files")]
    pub filestore_dir: PathBuf,
    /// After how many seconds another worker takes over what a silent one had taken.
    #[arg(long, env = "SENTRY_QUEUE_RECLAIM_SECONDS", default_value_t = 30)]
    pub reclaim_seconds: u64,
    /// Events a worker takes at a time.
    #[arg(long, env = "SENTRY_WORKER_BATCH", default_value_t = 500)]
    pub worker_batch: usize,
}

impl Queue {
    /// How long a taken message may stay unacknowledged before another worker takes it over.
    pub fn reclaim_after(&self) -> Duration {
        Duration::from_secs(self.reclaim_seconds)
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
    #[arg(long, env = "SENTRY_SERVER_EMAIL", default_value = "root@localhost")]
    pub server_email: String,
    /// Host name or address of the SMTP server.
    #[arg(long = "email-host", id = "email-host", env = "SENTRY_EMAIL_HOST")]
    pub host: Option<String>,
    #[arg(long = "email-port", id = "email-port", env = "SENTRY_EMAIL_PORT", default_value_t = 25)]
    pub port: u16,
    #[arg(long = "email-user", id = "email-user", env = "SENTRY_EMAIL_USER")]
    pub user: Option<String>,
    #[arg(long = "email-password", id = "email-password", env = "SENTRY_EMAIL_PASSWORD", value_parser = secret(), hide_env_values = true)]
    pub password: Option<SecretString>,
    /// A file that holds the password.
    #[arg(long = "email-password-file", id = "email-password-file", env = "SENTRY_EMAIL_PASSWORD_FILE")]
    pub password_file: Option<PathBuf>,
    /// STARTTLS: plain at first, then encrypted (ports 25 and 587).
    #[arg(long = "email-use-tls", id = "email-use-tls", env = "SENTRY_EMAIL_USE_TLS", default_value_t = false, action = clap::ArgAction::Set)]
    pub use_tls: bool,
    /// TLS from the first byte (port 465).
    #[arg(long = "email-use-ssl", id = "email-use-ssl", env = "SENTRY_EMAIL_USE_SSL", default_value_t = false, action = clap::ArgAction::Set)]
    pub use_ssl: bool,
}

/// Where the processes listen.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Listening")]
pub struct Web {
    /// Pages, the Web API and ingest.
    #[arg(long, env = "SENTRY_WEB_LISTEN", default_value = "0.0.0.0:9000")]
    pub listen: SocketAddr,
    /// `/metrics` and `/_health/` of every process.
    #[arg(long, env = "SENTRY_METRICS_LISTEN", default_value = "0.0.0.0:9100")]
    pub metrics_listen: SocketAddr,
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

/// How `clap` reads a secret.
pub fn secret() -> impl TypedValueParser<Value = SecretString> {
    StringValueParser::new().map(SecretString::from)
}

/// A secret from its variable or its file; an empty one is none, and both at once is a mistake we do not guess about.
fn read(name: &str, value: Option<&SecretString>, file: Option<&PathBuf>) -> Result<Option<SecretString>> {
    ensure!(value.is_none() || file.is_none(), "{name} and {name}_FILE are both set: keep one of them");
    let secret = match file {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("reading {name}_FILE {}", path.display()))?;
            Some(SecretString::from(text.trim_end_matches(['\r', '\n'])))
        }
        None => value.cloned(),
    };
    Ok(secret.filter(|secret| !secret.expose_secret().is_empty()))
}
