//! PURE. What is known of each concern: what it is called, how it is tried, what it means when it does not work, and whose
//! pods use it. To add one: a variant of `Concern`, a line in each table here, and its variables in `env`.

use super::labels::Role;
use crate::instance::{Concern, DirectorySync, SentryInstanceSpec, Severity};

/// Those that are tried, in the order they are told in.
pub const TRIED: [Concern; 6] =
    [Concern::Database, Concern::Redis, Concern::Files, Concern::Mail, Concern::Ldap, Concern::Channels];

/// The word used in names and labels of objects.
pub fn word(concern: Concern) -> &'static str {
    match concern {
        Concern::Core => "core",
        Concern::Database => "database",
        Concern::Redis => "redis",
        Concern::Files => "files",
        Concern::Mail => "mail",
        Concern::Ldap => "ldap",
        Concern::Channels => "channels",
        Concern::Admin => "admin",
    }
}

/// What a rollout is said to be caused by when these settings changed.
pub fn cause(concern: Concern) -> &'static str {
    match concern {
        Concern::Core => "secret key, public URL, time zone or language",
        Concern::Database => "database settings",
        Concern::Redis => "redis settings",
        Concern::Files => "bucket settings",
        Concern::Mail => "mail settings",
        Concern::Ldap => "LDAP settings",
        Concern::Channels => "named channels",
        Concern::Admin => "first superuser",
    }
}

/// The checks of `picket config check` that try it, each with the condition that tells how it went.
pub fn checks(concern: Concern) -> &'static [(&'static str, &'static str)] {
    match concern {
        Concern::Core | Concern::Admin => &[],
        Concern::Database => &[("postgresql", "DatabaseReady")],
        Concern::Redis => &[("redis", "RedisReady")],
        Concern::Files => &[("filestore", "FilesReady")],
        Concern::Mail => &[("mail", "MailReady")],
        Concern::Ldap => &[("ldap", "LdapReady")],
        Concern::Channels => &[("channels", "ChannelsReady"), ("dingtalk", "DingTalkReady")],
    }
}

/// What it means when it does not work.
pub fn severity(concern: Concern, spec: &SentryInstanceSpec) -> Severity {
    let severity = &spec.preflight.severity;
    match concern {
        Concern::Core | Concern::Database | Concern::Redis | Concern::Admin => Severity::Block,
        Concern::Files => severity.files,
        Concern::Mail => severity.mail,
        Concern::Ldap => severity.ldap,
        Concern::Channels => severity.channels,
    }
}

/// Whether a component's pods take these settings, and so are replaced when they change.
///
/// Workers send alerts by mail, and web invitations and lost passwords. People sign in at web, and cron follows the
/// directories where they are to be followed. Cron alone brings named channels into the database, where web and workers find
/// them.
pub fn is_used_by(concern: Concern, role: Role, spec: &SentryInstanceSpec) -> bool {
    let followed = |spec: &SentryInstanceSpec| {
        let mut directories = spec.ldap.iter().flat_map(|ldap| &ldap.directories);
        directories.any(|directory| directory.sync == DirectorySync::Periodic)
    };
    match (role, concern) {
        (Role::Preflight, concern) => concern != Concern::Admin,
        (Role::Migrate, concern) => matches!(concern, Concern::Core | Concern::Database | Concern::Admin),
        (_, Concern::Core | Concern::Database | Concern::Redis | Concern::Files)
        | (Role::Web | Role::Worker, Concern::Mail)
        | (Role::Web, Concern::Ldap)
        | (Role::Cron, Concern::Channels) => true,
        (Role::Cron, Concern::Ldap) => followed(spec),
        (Role::Web | Role::Worker | Role::Cron, _) => false,
    }
}
