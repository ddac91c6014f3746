//! The reasons of conditions: a closed set. What a preflight reports is passed on only where it is one of these; `crds/reasons.md`
//! is made from this table, and a test of the workshop holds it against the platform's own list.

use std::fmt::Write as _;

/// A reason, the layer it speaks about, and what it means.
pub struct Reason {
    /// The word.
    pub name: &'static str,
    /// DNS, TCP, TLS, auth, privilege, version, semantics, settings; or what of Kubernetes it is about.
    pub layer: &'static str,
    /// What is the matter.
    pub text: &'static str,
}

const fn reason(name: &'static str, layer: &'static str, text: &'static str) -> Reason {
    Reason { name, layer, text }
}

/// What `picket config check` finds when something does not work, in the order of the layers that a connection goes through.
pub const OF_CHECKS: &[Reason] = &[
    reason("SettingsInvalid", "settings", "A setting cannot be read or contradicts another."),
    reason("DnsLookupFailed", "DNS", "The name has no address."),
    reason("ConnectionRefused", "TCP", "Nothing listens on that port."),
    reason("ConnectTimeout", "TCP", "No answer in time: a firewall or a network policy in between?"),
    reason("HostUnreachable", "TCP", "There is no way to that address."),
    reason("TlsNotOffered", "TLS", "TLS is asked for and the server does not speak it."),
    reason("TlsRequiredByServer", "TLS", "The server wants TLS and it is not asked for."),
    reason("TlsUntrustedCA", "TLS", "The certificate is signed by a CA that is not trusted: name it by caSecretRef."),
    reason("TlsHostnameMismatch", "TLS", "The certificate is for another name."),
    reason("TlsHandshakeFailed", "TLS", "TLS failed in another way: an expired certificate, no common version."),
    reason("StartTlsNotOffered", "TLS", "STARTTLS is asked for and the server does not offer it."),
    reason("TlsExpected", "TLS", "The port speaks TLS from the first byte: set encryption: tls."),
    reason("PlainExpected", "TLS", "The port speaks in the clear at first: set encryption: starttls or none."),
    reason("AuthenticationFailed", "auth", "No such user, a wrong password, or no rule that lets it in."),
    reason("WrongPass", "auth", "Redis: a wrong password."),
    reason("AuthRequired", "auth", "No password is given and the server wants one."),
    reason("NoAuthConfigured", "auth", "Redis: a password is given and the server has none."),
    reason("AuthRejected", "auth", "SMTP: user or password are wrong, or the server takes none."),
    reason("TokenInvalid", "auth", "DingTalk: there is no robot of this access token."),
    reason(
        "SignMismatch",
        "auth",
        "DingTalk: the robot checks signatures, and the signing secret is wrong or missing.",
    ),
    reason("PrivilegeMissing", "privilege", "The user is let in and may not do what it must."),
    reason("SenderRejected", "privilege", "SMTP: the server takes no mail from this sender."),
    reason("IpNotWhitelisted", "privilege", "DingTalk: the robot takes messages from other addresses alone."),
    reason("NotWritable", "privilege", "The folder cannot be written."),
    reason("VersionUnsupported", "version", "The server is too old."),
    reason("DatabaseDoesNotExist", "semantics", "The server has no such database."),
    reason("BucketDoesNotExist", "semantics", "The server has no such bucket."),
    reason("BaseDoesNotExist", "semantics", "LDAP: the directory has no such entry to search below."),
    reason("FilterInvalid", "semantics", "LDAP: a filter is none."),
    reason("NoUsersMatched", "semantics", "LDAP: the filter finds nobody, whatever is typed."),
    reason("KeywordMissing", "semantics", "DingTalk: the robot wants keywords and none are given."),
    reason("ReadOnlyReplica", "semantics", "PostgreSQL: a standby, or a server set to read-only."),
    reason("ReplicaReadOnly", "semantics", "Redis: a replica."),
    reason("TooManyConnections", "semantics", "The server has no connection left."),
    reason("EvictionPolicyUnsafe", "semantics", "Redis: when its memory is full it would throw events away."),
    reason("OutOfMemory", "semantics", "Redis: its memory is full."),
    reason("NotReady", "semantics", "The server is starting or stopping."),
    reason("UnexpectedAnswer", "semantics", "Another program seems to listen there."),
];

/// What the operator finds by itself.
pub const OF_THE_OPERATOR: &[Reason] = &[
    reason("Connected", "well", "It works."),
    reason("Checking", "preflight", "A Job tries the settings."),
    reason("Pending", "preflight", "Something else has to happen first; the message says what."),
    reason("PreflightFailed", "preflight", "The Job ended without a verdict; the message is what it said."),
    reason(
        "SecretNotFound",
        "Secret",
        "A Secret that the spec names does not exist. It goes on by itself once it does.",
    ),
    reason("SecretKeyMissing", "Secret", "The Secret has no such key, or its value is unusable."),
    reason("SecretKeyLost", "Secret", "The generated secret key is gone: restore it."),
    reason("Available", "well", "The secret key is there."),
    reason("UpToDate", "well", "The schema is what the image needs."),
    reason("Running", "migration", "Of MigrationsApplied: a Job migrates. Of Ready: all is as the spec asks."),
    reason(
        "Failed",
        "migration",
        "The migration failed; the message has its step and SQLSTATE. What ran before still runs.",
    ),
    reason("AwaitingApproval", "migration", "An upgrade waits for spec.migrations.approvedImage."),
    reason("Accepted", "well", "Overrides or routes are taken."),
    reason(
        "OverrideRejected",
        "pods",
        "A podTemplate or an affinity is no part of a pod; the message has the API server's words.",
    ),
    reason("Rejected", "pods", "The API server refused an object; the message has its words."),
    reason("PodsAvailable", "well", "Web, worker and cron have pods that serve."),
    reason("PodsUnavailable", "pods", "A component has none."),
    reason("Suspended", "spec", "spec.suspended is true."),
    reason("Paused", "spec", "spec.paused is true."),
    reason("Applied", "well", "The Ingress is there."),
    reason("GatewayApiMissing", "route", "The cluster has no HTTPRoute."),
];

/// Whether a preflight may report it.
pub fn is_known(word: &str) -> bool {
    OF_CHECKS.iter().any(|reason| reason.name == word)
}

/// `crds/reasons.md`.
pub fn document() -> String {
    let mut text = "\
# The reasons of conditions

A closed set: a word is added, never changed. `Ready`, `Reconciling` and `Stalled` have the phase as their reason. Made from
`operator/src/status/reasons.rs`: `UPDATE=1 cargo test -p picket-operator reasons`.

## What a preflight finds

Of `DatabaseReady`, `RedisReady`, `FilesReady`, `MailReady`, `LdapReady`, `ChannelsReady` and `DingTalkReady`. The message says
what to do.

"
    .to_owned();
    table(&mut text, OF_CHECKS);
    text.push_str("\n## What the operator finds\n\n");
    table(&mut text, OF_THE_OPERATOR);
    text
}

fn table(text: &mut String, reasons: &[Reason]) {
    text.push_str("| reason | layer | what is the matter |\n|---|---|---|\n");
    for Reason { name, layer, text: what } in reasons {
        let _ = writeln!(text, "| `{name}` | {layer} | {what} |");
    }
}
