//! Scopes, by Sentry's names, and sets of them.

use std::fmt;

/// Something that may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    AlertsRead,
    AlertsWrite,
    EventAdmin,
    EventRead,
    EventWrite,
    MemberAdmin,
    MemberRead,
    MemberWrite,
    OrgAdmin,
    /// What a build does: releases and their files.
    OrgCi,
    OrgIntegrations,
    OrgRead,
    OrgWrite,
    ProjectAdmin,
    ProjectRead,
    ProjectReleases,
    ProjectWrite,
    TeamAdmin,
    TeamRead,
    TeamWrite,
}

impl Scope {
    /// All of them, by name.
    pub const ALL: [Scope; 20] = [
        Scope::AlertsRead,
        Scope::AlertsWrite,
        Scope::EventAdmin,
        Scope::EventRead,
        Scope::EventWrite,
        Scope::MemberAdmin,
        Scope::MemberRead,
        Scope::MemberWrite,
        Scope::OrgAdmin,
        Scope::OrgCi,
        Scope::OrgIntegrations,
        Scope::OrgRead,
        Scope::OrgWrite,
        Scope::ProjectAdmin,
        Scope::ProjectRead,
        Scope::ProjectReleases,
        Scope::ProjectWrite,
        Scope::TeamAdmin,
        Scope::TeamRead,
        Scope::TeamWrite,
    ];

    /// As the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Scope::AlertsRead => "alerts:read",
            Scope::AlertsWrite => "alerts:write",
            Scope::EventAdmin => "event:admin",
            Scope::EventRead => "event:read",
            Scope::EventWrite => "event:write",
            Scope::MemberAdmin => "member:admin",
            Scope::MemberRead => "member:read",
            Scope::MemberWrite => "member:write",
            Scope::OrgAdmin => "org:admin",
            Scope::OrgCi => "org:ci",
            Scope::OrgIntegrations => "org:integrations",
            Scope::OrgRead => "org:read",
            Scope::OrgWrite => "org:write",
            Scope::ProjectAdmin => "project:admin",
            Scope::ProjectRead => "project:read",
            Scope::ProjectReleases => "project:releases",
            Scope::ProjectWrite => "project:write",
            Scope::TeamAdmin => "team:admin",
            Scope::TeamRead => "team:read",
            Scope::TeamWrite => "team:write",
        }
    }

    /// The scope of this name.
    pub fn of(name: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.name() == name)
    }

    /// What comes with it: who may write may read, and who administers may do both.
    fn implied(self) -> &'static [Scope] {
        match self {
            Scope::AlertsWrite => &[Scope::AlertsRead],
            Scope::EventAdmin => &[Scope::EventWrite, Scope::EventRead],
            Scope::EventWrite => &[Scope::EventRead],
            Scope::MemberAdmin => &[Scope::MemberWrite, Scope::MemberRead],
            Scope::MemberWrite => &[Scope::MemberRead],
            Scope::OrgAdmin => &[Scope::OrgWrite, Scope::OrgRead, Scope::OrgIntegrations],
            Scope::OrgWrite | Scope::OrgIntegrations => &[Scope::OrgRead],
            Scope::OrgCi => &[Scope::OrgRead, Scope::ProjectRead, Scope::ProjectReleases],
            Scope::ProjectAdmin => &[Scope::ProjectWrite, Scope::ProjectRead],
            Scope::ProjectWrite => &[Scope::ProjectRead],
            Scope::TeamAdmin => &[Scope::TeamWrite, Scope::TeamRead],
            Scope::TeamWrite => &[Scope::TeamRead],
            Scope::AlertsRead
            | Scope::EventRead
            | Scope::MemberRead
            | Scope::OrgRead
            | Scope::ProjectRead
            | Scope::ProjectReleases
            | Scope::TeamRead => &[],
        }
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes(u32);

impl Scopes {
    /// Nothing.
    pub const NONE: Scopes = Scopes(0);
    /// Everything.
    pub const ALL: Scopes = Scopes(u32::MAX);

    /// The set with one more, and what comes with it.
    #[must_use]
    pub fn with(self, scope: Scope) -> Scopes {
        scope
            .implied()
            .iter()
            .fold(Scopes(self.0 | 1 << scope as u32), |scopes, more| Scopes(scopes.0 | 1 << *more as u32))
    }

    /// The scopes of these names; a name that is none is handed back.
    pub fn read<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Scopes, &'a str> {
        names.into_iter().try_fold(Scopes::NONE, |scopes, name| Ok(scopes.with(Scope::of(name).ok_or(name)?)))
    }

    /// Whether it has this one.
    pub fn has(self, scope: Scope) -> bool {
        self.0 & 1 << scope as u32 != 0
    }

    /// What both have.
    #[must_use]
    pub fn and(self, other: Scopes) -> Scopes {
        Scopes(self.0 & other.0)
    }

    /// Their names.
    pub fn names(self) -> Vec<&'static str> {
        Scope::ALL.into_iter().filter(|scope| self.has(*scope)).map(Scope::name).collect()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_write_may_read() {
        let scopes = Scopes::read(["project:admin", "org:ci"]).unwrap();
        assert_eq!(scopes.to_string(), "org:ci org:read project:admin project:read project:releases project:write");
        assert_eq!(Scopes::read(["project:read", "project:rule"]), Err("project:rule"));
    }

    #[test]
    fn scopes_have_names_in_order() {
        assert!(Scope::ALL.is_sorted_by_key(|scope| scope.name()));
        assert!(Scope::ALL.iter().all(|scope| Scope::of(scope.name()) == Some(*scope)));
    }
}
