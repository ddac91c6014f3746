//! The servers an instance talks to and the Secrets that hold their credentials, in whatever key layout those have.
//!
//! Not here: pools and sentinels, which extend the server blocks, and the directories (`ldap`).

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a Secret may be called. The operator asks for it by this name in a path, so nothing else may fit.
pub(super) const NAME: &str = r"^[a-z0-9][-.a-z0-9]*$";
/// What a key within a Secret may be called.
pub(super) const KEY: &str = r"^[-.\w]+$";

/// A Secret in the instance's namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct SecretName {
    /// Its name.
    #[schemars(length(max = 253), regex(pattern = NAME))]
    pub name: String,
}

/// One value of a Secret in the instance's namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct SecretKeyRef {
    /// The Secret's name.
    #[schemars(length(max = 253), regex(pattern = NAME))]
    pub name: String,

    /// The key within it.
    #[serde(default = "password")]
    #[schemars(length(max = 253), regex(pattern = KEY))]
    pub key: String,
}

/// A user name and a password in one Secret.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CredentialsRef {
    /// The Secret's name.
    #[schemars(length(max = 253), regex(pattern = NAME))]
    pub name: String,

    /// The key of the user name.
    #[serde(default = "username")]
    #[schemars(length(max = 253), regex(pattern = KEY))]
    pub username_key: String,

    /// The key of the password.
    #[serde(default = "password")]
    #[schemars(length(max = 253), regex(pattern = KEY))]
    pub password_key: String,
}

/// A CA's certificates in a Secret, PEM.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct CaRef {
    /// The Secret's name.
    #[schemars(length(max = 253), regex(pattern = NAME))]
    pub name: String,

    /// The key within it.
    #[serde(default = "ca_key")]
    #[schemars(length(max = 253), regex(pattern = KEY))]
    pub key: String,
}

fn ca_key() -> String {
    "ca.crt".to_owned()
}

/// A certificate of ours and its key in one Secret, PEM; one of type `kubernetes.io/tls` fits as it is.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CertificateRef {
    /// The Secret's name.
    #[schemars(length(max = 253), regex(pattern = NAME))]
    pub name: String,

    /// The key of the certificate.
    #[serde(default = "certificate_key")]
    #[schemars(length(max = 253), regex(pattern = KEY))]
    pub certificate_key: String,

    /// The key of the private key.
    #[serde(default = "private_key_key")]
    #[schemars(length(max = 253), regex(pattern = KEY))]
    pub private_key_key: String,
}

fn certificate_key() -> String {
    "tls.crt".to_owned()
}

fn private_key_key() -> String {
    "tls.key".to_owned()
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
#[x_kube(
    validation = Rule::new("!has(self.caSecretRef) || self.mode in ['verify-ca', 'verify-full']")
        .message("a CA is looked at only with mode: verify-ca or verify-full: set one of them, or leave caSecretRef out"),
    validation = Rule::new("!has(self.clientCertSecretRef) || self.mode != 'disable'")
        .message("a client certificate is shown over TLS: set mode: verify-full, or leave clientCertSecretRef out"),
)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseTls {
    /// As libpq's sslmode.
    #[serde(default)]
    pub mode: DatabaseTlsMode,

    /// The CA that signed the server's certificate; absent: the public ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret_ref: Option<CaRef>,

    /// Our certificate, where the server asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_cert_secret_ref: Option<CertificateRef>,
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
#[x_kube(
    validation = Rule::new("self.mode != 'disable' || !(has(self.caSecretRef) || has(self.clientCertSecretRef))")
        .message("certificates are used over TLS: set mode: verify-full, or leave them out"),
)]
#[serde(rename_all = "camelCase")]
pub struct RedisTls {
    /// Whether the connection is encrypted.
    #[serde(default)]
    pub mode: RedisTlsMode,

    /// The CA that signed the server's certificate; absent: the public ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret_ref: Option<CaRef>,

    /// Our certificate, where the server asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_cert_secret_ref: Option<CertificateRef>,
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

    /// Keys there were before: they still open what was encrypted with them, while a new one takes over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 3))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into(), "key".into()]))]
    pub previous_secret_refs: Vec<SecretKeyRef>,
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
    validation = Rule::new("!has(self.caSecretRef) || self.encryption != 'none'")
        .message("a CA is looked at over TLS: set encryption: tls or starttls, or leave caSecretRef out"),
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

    /// The CA that signed the server's certificate; absent: the public ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret_ref: Option<CaRef>,
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
