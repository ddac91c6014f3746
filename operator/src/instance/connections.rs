//! The servers an instance talks to and the Secrets that hold their credentials, in whatever key layout those have.
//!
//! Not here: CA and client certificates, pools and sentinels, which extend the `tls` and server blocks.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a Secret may be called. The operator asks for it by this name in a path, so nothing else may fit.
const NAME: &str = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$";
/// What a key within a Secret may be called.
const KEY: &str = r"^[-._a-zA-Z0-9]+$";

/// A Secret in the instance's namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct SecretName {
    /// Its name.
    #[schemars(length(min = 1, max = 253), regex(pattern = NAME))]
    pub name: String,
}

/// One value of a Secret in the instance's namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct SecretKeyRef {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253), regex(pattern = NAME))]
    pub name: String,

    /// The key within it.
    #[serde(default = "password")]
    #[schemars(length(min = 1, max = 253), regex(pattern = KEY))]
    pub key: String,
}

/// A user name and a password in one Secret.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CredentialsRef {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253), regex(pattern = NAME))]
    pub name: String,

    /// The key of the user name.
    #[serde(default = "username")]
    #[schemars(length(min = 1, max = 253), regex(pattern = KEY))]
    pub username_key: String,

    /// The key of the password.
    #[serde(default = "password")]
    #[schemars(length(min = 1, max = 253), regex(pattern = KEY))]
    pub password_key: String,
}

fn username() -> String {
    "username".to_owned()
}

fn password() -> String {
    "password".to_owned()
}

/// The external PostgreSQL, 14 or newer.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Database {
    /// The server's host name or address.
    #[schemars(length(min = 1, max = 253))]
    pub host: String,

    /// Its port.
    #[serde(default = "postgresql_port")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,

    /// The database, which must exist.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,

    /// The role that owns the database's schema.
    pub credentials_secret_ref: CredentialsRef,

    /// How the connection is protected.
    #[serde(default)]
    pub tls: DatabaseTls,
}

fn postgresql_port() -> i32 {
    5432
}

/// TLS towards PostgreSQL.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct DatabaseTls {
    /// As libpq's sslmode.
    #[serde(default)]
    pub mode: DatabaseTlsMode,
}

/// As libpq's sslmode.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum DatabaseTlsMode {
    /// Never.
    Disable,
    /// When the server offers it.
    #[default]
    Prefer,
    /// Always, whoever the server is.
    Require,
    /// Always, with a certificate of a trusted CA.
    VerifyCa,
    /// Always, with a certificate of a trusted CA for this host.
    VerifyFull,
}

impl DatabaseTlsMode {
    /// The word PostgreSQL's clients use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// The external Redis.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Redis {
    /// The server's host name or address.
    #[schemars(length(min = 1, max = 253))]
    pub host: String,

    /// Its port.
    #[serde(default = "redis_port")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,

    /// The database number.
    #[serde(default)]
    #[schemars(range(min = 0, max = 65535))]
    pub db: i32,

    /// The password; absent when the server asks for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_secret_ref: Option<SecretKeyRef>,

    /// How the connection is protected.
    #[serde(default)]
    pub tls: RedisTls,
}

fn redis_port() -> i32 {
    6379
}

/// TLS towards Redis.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct RedisTls {
    /// Whether the connection is encrypted.
    #[serde(default)]
    pub mode: RedisTlsMode,
}

/// Whether the connection to Redis is encrypted.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum RedisTlsMode {
    /// Never.
    #[default]
    Disable,
    /// Always, with a certificate of a trusted CA for this host.
    VerifyFull,
}

/// Where the secret key comes from.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SecretKey {
    /// A key of yours; absent: generated once, kept in `<instance>-secret-key`, which outlives the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretKeyRef>,
}

/// The first superuser.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct BootstrapAdmin {
    /// The address to sign in with.
    #[schemars(length(max = 254))]
    #[x_kube(validation = Rule::new("self.matches('^[^@ ]+@[^@ ]+$')").message("email is an address: admin@example.com"))]
    pub email: String,

    /// The first password, used once.
    pub password_secret_ref: SecretKeyRef,
}

/// The SMTP server that notifications leave through.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(
    validation = Rule::new("!(self.port == 465 && self.encryption != 'tls')")
        .message("port 465 speaks TLS from the first byte: set encryption: tls, or use port 587 with starttls"),
)]
#[serde(rename_all = "camelCase")]
pub struct Mail {
    /// The server's host name or address.
    #[schemars(length(min = 1, max = 253))]
    pub host: String,

    /// Its port: 25, 465 (tls) or 587 (starttls), as a rule.
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,

    /// The sender's address.
    #[schemars(length(max = 320))]
    #[x_kube(validation = Rule::new("self.contains('@')").message("from is a sender's address: sentry@example.com"))]
    pub from: String,

    /// How the connection is protected.
    pub encryption: MailEncryption,

    /// The login; absent when the server asks for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials_secret_ref: Option<CredentialsRef>,
}

/// How the connection to the SMTP server is protected.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum MailEncryption {
    /// Not at all.
    None,
    /// By STARTTLS after the greeting.
    Starttls,
    /// By TLS from the first byte.
    Tls,
}
