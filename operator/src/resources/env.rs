//! The spec and the Secrets it names, as the platform's environment variables. The names are the platform's settings
//! (`picket run web --help`); a test of the workshop parses what is rendered here with the platform's own parser.

use super::snapshot::Env;
use crate::instance::{BootstrapAdmin, Database, Mail, MailEncryption, Redis, RedisTlsMode, SentryInstanceSpec};

/// A user name and a password, read from a Secret.
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
}

/// Secret key, public URL, time zone.
pub fn core(spec: &SentryInstanceSpec, secret_key: &str) -> Env {
    env([
        ("SENTRY_SECRET_KEY", secret_key.to_owned()),
        ("SENTRY_URL_PREFIX", spec.public_url.clone()),
        ("TZ", spec.time_zone.clone()),
    ])
}

/// PostgreSQL.
pub fn database(database: &Database, credentials: Credentials) -> Env {
    env([
        ("SENTRY_POSTGRES_HOST", database.host.clone()),
        ("SENTRY_POSTGRES_PORT", database.port.to_string()),
        ("SENTRY_DB_NAME", database.name.clone()),
        ("SENTRY_DB_USER", credentials.username),
        ("SENTRY_DB_PASSWORD", credentials.password),
        ("SENTRY_POSTGRES_SSLMODE", database.tls.mode.as_str().to_owned()),
    ])
}

/// Redis.
pub fn redis(redis: &Redis, password: Option<String>) -> Env {
    let mut rendered = env([
        ("SENTRY_REDIS_HOST", redis.host.clone()),
        ("SENTRY_REDIS_PORT", redis.port.to_string()),
        ("SENTRY_REDIS_DB", redis.db.to_string()),
        ("SENTRY_REDIS_TLS", (redis.tls.mode == RedisTlsMode::VerifyFull).to_string()),
    ]);
    rendered.extend(password.map(|password| ("SENTRY_REDIS_PASSWORD".to_owned(), password)));
    rendered
}

/// SMTP.
pub fn mail(mail: &Mail, credentials: Option<Credentials>) -> Env {
    let mut rendered = env([
        ("SENTRY_SERVER_EMAIL", mail.from.clone()),
        ("SENTRY_EMAIL_HOST", mail.host.clone()),
        ("SENTRY_EMAIL_PORT", mail.port.to_string()),
        ("SENTRY_EMAIL_USE_TLS", (mail.encryption == MailEncryption::Starttls).to_string()),
        ("SENTRY_EMAIL_USE_SSL", (mail.encryption == MailEncryption::Tls).to_string()),
    ]);
    if let Some(Credentials { username, password }) = credentials {
        rendered.extend(env([("SENTRY_EMAIL_USER", username), ("SENTRY_EMAIL_PASSWORD", password)]));
    }
    rendered
}

/// The first superuser, for the migration Job only.
pub fn admin(admin: &BootstrapAdmin, password: String) -> Env {
    env([("SENTRY_ADMIN_EMAIL", admin.email.clone()), ("SENTRY_ADMIN_PASSWORD", password)])
}

fn env<const N: usize>(pairs: [(&str, String); N]) -> Env {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
