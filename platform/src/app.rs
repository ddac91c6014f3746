//! What every feature is handed: one struct, cheap to clone, built once.

use std::{ops::Deref, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions, PgSslMode},
};
use tokio::sync::Notify;

use crate::{
    alerts::Rules,
    auth::ldap::Directories,
    config::{self, Config, SslMode},
    events::save::Listed,
    files::Files,
    ingest::{Bodies, Counters, Keys},
    mail::Mailer,
    metrics::Metrics,
    outbound::Outbound,
    outcomes::Outcomes,
    projects::settings::Policies,
    queue::Queue,
    secrets::Vault,
};

/// How long a request may wait for a database connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// The process's parts, shared by everyone who holds one of these.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What every feature may use.
pub struct Parts {
    pub config: Arc<Config>,
    pub db: PgPool,
    pub queue: Queue,
    /// Attachments and crash dumps.
    pub files: Files,
    /// Project keys, at most five seconds stale.
    pub keys: Keys,
    /// The memory that bodies of requests under way take.
    pub bodies: Bodies,
    /// What projects decide about their events, at most five seconds stale.
    pub policies: Policies,
    /// What projects want to be told, at most five seconds stale.
    pub rules: Rules,
    /// Wakes whoever tells it.
    pub deliveries: Arc<Notify>,
    pub mailer: Mailer,
    /// For addresses that people type in.
    pub outbound: Outbound,
    /// For secrets of other services.
    pub vault: Arc<Vault>,
    /// What people sign in by besides passwords of ours.
    pub directories: Directories,
    pub metrics: Arc<Metrics>,
    /// Quotas, counted here while Redis is away.
    pub quotas: Arc<Counters>,
    /// What became of everything sent, until it is added to the database.
    pub outcomes: Arc<Outcomes>,
    /// The tags that are known to be listed in the database.
    pub listed_tags: Arc<Listed>,
    pub secret_key: SecretString,
}

impl App {
    /// Builds every part. Servers need not be reachable yet: readiness says when they are.
    pub fn new(config: Config) -> Result<App> {
        let queue = Queue::open(&config)?;
        let db = PgPoolOptions::new()
            .max_connections(config.postgres.max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(connect_options(&config.postgres)?);
        let secret_key = config.site.secret_key()?;
        let parts = Parts {
            vault: Arc::new(Vault::new(&secret_key, &config.site.previous_keys()?)?),
            outbound: Outbound::new(&config.outbound.allow)?,
            keys: Keys::new(db.clone()),
            files: Files::new(&config)?,
            policies: Policies::new(db.clone()),
            rules: Rules::new(db.clone()),
            deliveries: Arc::default(),
            db,
            queue,
            bodies: Bodies::default(),
            mailer: Mailer::open(&config.mail)?,
            directories: Directories::open(&config.ldap)?,
            metrics: Arc::new(Metrics::default()),
            quotas: Arc::default(),
            outcomes: Arc::default(),
            listed_tags: Arc::default(),
            secret_key,
            config: Arc::new(config),
        };
        Ok(App(Arc::new(parts)))
    }

    /// The time, for everything that is stored or compared.
    pub fn now(&self) -> DateTime<Utc> {
        now()
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// The one place that reads the clock.
#[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Connects to the database alone, for commands that need nothing else.
pub async fn connect(config: &config::Postgres) -> Result<PgPool> {
    PgPool::connect_with(connect_options(config)?).await.context("connecting to PostgreSQL")
}

/// The database settings in the driver's form.
pub fn connect_options(config: &config::Postgres) -> Result<PgConnectOptions> {
    let mut options = PgConnectOptions::new_without_pgpass()
        .host(&config.host)
        .port(config.port)
        .database(&config.name)
        .username(&config.user)
        .application_name("picket")
        .ssl_mode(match config.sslmode {
            SslMode::Disable => PgSslMode::Disable,
            SslMode::Prefer => PgSslMode::Prefer,
            SslMode::Require => PgSslMode::Require,
            SslMode::VerifyCa => PgSslMode::VerifyCa,
            SslMode::VerifyFull => PgSslMode::VerifyFull,
        });
    if let Some(password) = config.password().context("reading the database password")? {
        options = options.password(password.expose_secret());
    }
    if let Some(ca) = config::read_pem("SENTRY_POSTGRES_SSLROOTCERT", config.sslrootcert.as_ref())? {
        options = options.ssl_root_cert_from_pem(ca);
    }
    if let Some(certificate) = config::read_pem("SENTRY_POSTGRES_SSLCERT", config.sslcert.as_ref())? {
        options = options.ssl_client_cert_from_pem(certificate);
    }
    if let Some(key) = config::read_pem("SENTRY_POSTGRES_SSLKEY", config.sslkey.as_ref())? {
        options = options.ssl_client_key_from_pem(key);
    }
    Ok(options)
}
