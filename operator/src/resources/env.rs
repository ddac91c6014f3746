//! The spec and the Secrets it names, as the platform's environment variables. The names are the platform's settings
//! (`picket run web --help`); a test of the workshop parses what is rendered here with the platform's own parser.

mod channels;
mod ldap;

pub use channels::channels;
pub use ldap::ldap;

use super::labels::Role;
use super::snapshot::Env;
use crate::instance::{
    BootstrapAdmin, Database, Language, Mail, MailEncryption, Redis, RedisTlsMode, S3, SentryInstanceSpec,
};
use crate::secrets::{self, Credentials, Missing, Secrets};

/// Secret key, public URL, time zone, language.
pub fn core(spec: &SentryInstanceSpec, secret_key: &str, previous_keys: &[String]) -> Env {
    let mut rendered = env([
        ("SENTRY_SECRET_KEY", secret_key.to_owned()),
        ("SENTRY_URL_PREFIX", spec.public_url.clone()),
        ("SENTRY_USE_SSL", spec.public_url.starts_with("https://").to_string()),
        ("TZ", spec.time_zone.clone()),
    ]);
    if !previous_keys.is_empty() {
        rendered.extend(env([("SENTRY_SECRET_KEY_PREVIOUS", previous_keys.join("\n"))]));
    }
    rendered.extend(spec.language.map(|language| ("SENTRY_LANGUAGE".to_owned(), word(language))));
    rendered
}

fn word(language: Language) -> String {
    match language {
        Language::En => "en".to_owned(),
        Language::Zh => "zh".to_owned(),
    }
}

/// PostgreSQL.
pub fn database(database: &Database, secrets: &Secrets) -> Result<Env, Missing> {
    let Credentials { username, password } = secrets::credentials(secrets, &database.credentials_secret_ref)?;
    let mut rendered = env([
        ("SENTRY_POSTGRES_HOST", database.host.clone()),
        ("SENTRY_POSTGRES_PORT", database.port.to_string()),
        ("SENTRY_DB_NAME", database.name.clone()),
        ("SENTRY_DB_USER", username),
        ("SENTRY_DB_PASSWORD", password),
        ("SENTRY_POSTGRES_SSLMODE", database.tls.mode.as_str().to_owned()),
    ]);
    if let Some(ca) = secrets::ca(secrets, database.tls.ca_secret_ref.as_ref())? {
        rendered.extend(env([("SENTRY_POSTGRES_SSLROOTCERT", ca)]));
    }
    if let Some((certificate, key)) = secrets::certificate(secrets, database.tls.client_cert_secret_ref.as_ref())? {
        rendered.extend(env([("SENTRY_POSTGRES_SSLCERT", certificate), ("SENTRY_POSTGRES_SSLKEY", key)]));
    }
    Ok(rendered)
}

/// Redis.
pub fn redis(redis: &Redis, secrets: &Secrets) -> Result<Env, Missing> {
    let mut rendered = env([
        ("SENTRY_REDIS_HOST", redis.host.clone()),
        ("SENTRY_REDIS_PORT", redis.port.to_string()),
        ("SENTRY_REDIS_DB", redis.db.to_string()),
        ("SENTRY_REDIS_TLS", (redis.tls.mode == RedisTlsMode::VerifyFull).to_string()),
    ]);
    if let Some(reference) = &redis.password_secret_ref {
        rendered.extend(env([("SENTRY_REDIS_PASSWORD", secrets::key(secrets, reference)?)]));
    }
    if let Some(ca) = secrets::ca(secrets, redis.tls.ca_secret_ref.as_ref())? {
        rendered.extend(env([("SENTRY_REDIS_TLS_CA", ca)]));
    }
    if let Some((certificate, key)) = secrets::certificate(secrets, redis.tls.client_cert_secret_ref.as_ref())? {
        rendered.extend(env([("SENTRY_REDIS_TLS_CERT", certificate), ("SENTRY_REDIS_TLS_KEY", key)]));
    }
    Ok(rendered)
}

/// The bucket of attachments.
pub fn bucket(s3: &S3, secrets: &Secrets) -> Result<Env, Missing> {
    let reference = &s3.credentials_secret_ref;
    let mut rendered = env([
        ("SENTRY_FILESTORE_S3_BUCKET", s3.bucket.clone()),
        ("SENTRY_FILESTORE_S3_REGION", s3.region.clone()),
        ("SENTRY_FILESTORE_S3_PATH_STYLE", s3.path_style.to_string()),
        ("SENTRY_FILESTORE_S3_ACCESS_KEY", secrets::value(secrets, &reference.name, &reference.access_key_key)?),
        ("SENTRY_FILESTORE_S3_SECRET_KEY", secrets::value(secrets, &reference.name, &reference.secret_key_key)?),
    ]);
    rendered.extend(s3.endpoint.clone().map(|endpoint| ("SENTRY_FILESTORE_S3_ENDPOINT".to_owned(), endpoint)));
    Ok(rendered)
}

/// SMTP.
pub fn mail(mail: &Mail, secrets: &Secrets) -> Result<Env, Missing> {
    let mut rendered = env([
        ("SENTRY_SERVER_EMAIL", mail.from.clone()),
        ("SENTRY_EMAIL_HOST", mail.host.clone()),
        ("SENTRY_EMAIL_PORT", mail.port.to_string()),
        ("SENTRY_EMAIL_USE_TLS", (mail.encryption == MailEncryption::Starttls).to_string()),
        ("SENTRY_EMAIL_USE_SSL", (mail.encryption == MailEncryption::Tls).to_string()),
    ]);
    if let Some(reference) = &mail.credentials_secret_ref {
        let Credentials { username, password } = secrets::credentials(secrets, reference)?;
        rendered.extend(env([("SENTRY_EMAIL_USER", username), ("SENTRY_EMAIL_PASSWORD", password)]));
    }
    if let Some(ca) = secrets::ca(secrets, mail.ca_secret_ref.as_ref())? {
        rendered.extend(env([("SENTRY_EMAIL_CA", ca)]));
    }
    Ok(rendered)
}

/// The first superuser, for the migration Job only.
pub fn admin(admin: &BootstrapAdmin, secrets: &Secrets) -> Result<Env, Missing> {
    let password = secrets::key(secrets, &admin.password_secret_ref)?;
    Ok(env([("SENTRY_ADMIN_EMAIL", admin.email.clone()), ("SENTRY_ADMIN_PASSWORD", password)]))
}

/// What a part is told besides snapshots: limits and places, none of it secret and nothing that has to be tried.
pub fn plain(spec: &SentryInstanceSpec, role: Role) -> Env {
    let ingest = spec.ingest.clone().unwrap_or_default();
    let number = |name: &str, value: Option<i64>| value.map(|value| (name.to_owned(), value.to_string()));
    let networks = spec.outbound.iter().flat_map(|outbound| &outbound.allowed_networks).cloned().collect::<Vec<_>>();
    let mut rendered = Env::new();
    if !networks.is_empty() && role != Role::Migrate {
        rendered.extend(env([("SENTRY_OUTBOUND_ALLOW", networks.join(","))]));
    }
    match role {
        Role::Web => {
            rendered.extend(number("SENTRY_QUEUE_BYTES", ingest.queue_bytes));
            rendered.extend(number("SENTRY_SPOOL_BYTES", ingest.spool_bytes));
            rendered.extend(number("SENTRY_WEB_MAX_CONNECTIONS", ingest.max_connections.map(i64::from)));
        }
        Role::Worker => rendered.extend(number("SENTRY_WORKER_BATCH", ingest.worker_batch.map(i64::from))),
        Role::Cron | Role::Preflight | Role::Migrate => (),
    }
    if matches!(role, Role::Web | Role::Worker | Role::Cron) {
        rendered.extend(env([("SENTRY_EVENT_RETENTION_DAYS", spec.retention.days.to_string())]));
    }
    rendered
}

fn env<const N: usize>(pairs: [(&str, String); N]) -> Env {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
