//! The closed set of outcomes of a probe. Operators and scripts branch on these words: a word is added, never changed.

use serde::Serialize;

/// Whether something can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It works.
    Ok,
    /// It does not, and something has to be done.
    Failed,
    /// The settings do not use it.
    Skipped,
}

/// Why. The order is that of the layers a connection goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Reason {
    /// It answers, lets us in, and can do what is asked of it.
    Connected,
    /// The folder can be written.
    Writable,
    /// Nothing names it, so nothing was tried.
    NotConfigured,
    /// The other settings make it unnecessary.
    NotUsed,

    /// A setting cannot be read or contradicts another.
    SettingsInvalid,
    /// The name has no address.
    DnsLookupFailed,
    /// Nothing listens on that port.
    ConnectionRefused,
    /// No answer in time.
    ConnectTimeout,
    /// There is no way to that address.
    HostUnreachable,

    /// We want TLS and the server does not speak it.
    TlsNotOffered,
    /// The server wants TLS and we do not speak it.
    TlsRequiredByServer,
    /// The certificate is signed by a CA that we do not trust.
    TlsUntrustedCA,
    /// The certificate is for another name.
    TlsHostnameMismatch,
    /// TLS failed in another way: an expired certificate, no common version.
    TlsHandshakeFailed,
    /// Mail: we want STARTTLS and the server does not offer it.
    StartTlsNotOffered,
    /// Mail: the port speaks TLS from the first byte and we spoke in the clear.
    TlsExpected,
    /// Mail: we spoke TLS from the first byte and the port speaks in the clear.
    PlainExpected,

    /// `PostgreSQL`: no such user, a wrong password, or no rule that lets us in. Files: no such access key, or a wrong secret.
    AuthenticationFailed,
    /// Redis: wrong password.
    WrongPass,
    /// Redis and mail: we sent no password and the server wants one.
    AuthRequired,
    /// Redis: we sent a password and the server has none.
    NoAuthConfigured,
    /// Mail: user or password are wrong, or the server takes none.
    AuthRejected,
    /// `DingTalk`: there is no robot of this access token.
    TokenInvalid,
    /// `DingTalk`: the robot checks signatures, and ours does not fit or is missing.
    SignMismatch,

    /// The server is there and has no such database.
    DatabaseDoesNotExist,
    /// The server is there and has no such bucket.
    BucketDoesNotExist,
    /// LDAP: the server is there and has no such entry to search below.
    BaseDoesNotExist,
    /// We are let in and may not do what we must.
    PrivilegeMissing,
    /// Mail: the server takes no mail from our sender's address.
    SenderRejected,
    /// `DingTalk`: the robot takes messages from other addresses alone.
    IpNotWhitelisted,
    /// The folder cannot be written.
    NotWritable,
    /// Too old.
    VersionUnsupported,

    /// LDAP: a filter of the settings is none.
    FilterInvalid,
    /// LDAP: a filter finds nobody, whatever is typed.
    NoUsersMatched,
    /// `DingTalk`: the robot wants keywords, and the settings name none of them.
    KeywordMissing,
    /// `PostgreSQL`: a standby, or a server set to read-only.
    ReadOnlyReplica,
    /// Redis: a replica.
    ReplicaReadOnly,
    /// The server has no connection left for us.
    TooManyConnections,
    /// Redis: when its memory is full it would throw events away.
    EvictionPolicyUnsafe,
    /// Redis: its memory is full.
    OutOfMemory,
    /// The server is starting or stopping.
    NotReady,
    /// An answer that none of the other words describes: perhaps another program listens there.
    UnexpectedAnswer,
}

impl Reason {
    /// All of them.
    pub const ALL: [Reason; 42] = [
        Reason::Connected,
        Reason::Writable,
        Reason::NotConfigured,
        Reason::NotUsed,
        Reason::SettingsInvalid,
        Reason::DnsLookupFailed,
        Reason::ConnectionRefused,
        Reason::ConnectTimeout,
        Reason::HostUnreachable,
        Reason::TlsNotOffered,
        Reason::TlsRequiredByServer,
        Reason::TlsUntrustedCA,
        Reason::TlsHostnameMismatch,
        Reason::TlsHandshakeFailed,
        Reason::StartTlsNotOffered,
        Reason::TlsExpected,
        Reason::PlainExpected,
        Reason::AuthenticationFailed,
        Reason::WrongPass,
        Reason::AuthRequired,
        Reason::NoAuthConfigured,
        Reason::AuthRejected,
        Reason::TokenInvalid,
        Reason::SignMismatch,
        Reason::DatabaseDoesNotExist,
        Reason::BucketDoesNotExist,
        Reason::BaseDoesNotExist,
        Reason::PrivilegeMissing,
        Reason::SenderRejected,
        Reason::IpNotWhitelisted,
        Reason::NotWritable,
        Reason::VersionUnsupported,
        Reason::FilterInvalid,
        Reason::NoUsersMatched,
        Reason::KeywordMissing,
        Reason::ReadOnlyReplica,
        Reason::ReplicaReadOnly,
        Reason::TooManyConnections,
        Reason::EvictionPolicyUnsafe,
        Reason::OutOfMemory,
        Reason::NotReady,
        Reason::UnexpectedAnswer,
    ];

    /// Whether the thing can be used.
    pub fn status(self) -> Status {
        match self {
            Reason::Connected | Reason::Writable => Status::Ok,
            Reason::NotConfigured | Reason::NotUsed => Status::Skipped,
            _ => Status::Failed,
        }
    }

    /// The layer it speaks about.
    pub fn layer(self) -> &'static str {
        match self {
            Reason::NotConfigured | Reason::NotUsed | Reason::SettingsInvalid => "settings",
            Reason::DnsLookupFailed => "DNS",
            Reason::ConnectionRefused | Reason::ConnectTimeout | Reason::HostUnreachable => "TCP",
            Reason::TlsNotOffered
            | Reason::TlsRequiredByServer
            | Reason::TlsUntrustedCA
            | Reason::TlsHostnameMismatch
            | Reason::TlsHandshakeFailed
            | Reason::StartTlsNotOffered
            | Reason::TlsExpected
            | Reason::PlainExpected => "TLS",
            Reason::AuthenticationFailed
            | Reason::WrongPass
            | Reason::AuthRequired
            | Reason::NoAuthConfigured
            | Reason::AuthRejected
            | Reason::TokenInvalid
            | Reason::SignMismatch => "auth",
            Reason::PrivilegeMissing | Reason::SenderRejected | Reason::IpNotWhitelisted | Reason::NotWritable => {
                "privilege"
            }
            Reason::VersionUnsupported => "version",
            Reason::Connected
            | Reason::Writable
            | Reason::DatabaseDoesNotExist
            | Reason::BucketDoesNotExist
            | Reason::BaseDoesNotExist
            | Reason::FilterInvalid
            | Reason::NoUsersMatched
            | Reason::KeywordMissing
            | Reason::ReadOnlyReplica
            | Reason::ReplicaReadOnly
            | Reason::TooManyConnections
            | Reason::EvictionPolicyUnsafe
            | Reason::OutOfMemory
            | Reason::NotReady
            | Reason::UnexpectedAnswer => "semantics",
        }
    }
}
