//! Who may do what: roles, the scopes each of them gives, and the scope each route asks for.
//!
//! [`table`] is the part to read: two tables, nothing else decides. Roles and scopes are Sentry's, by its names. A token has the
//! scopes that were chosen for it, and never more than whoever made it has. Deliberately not here: how somebody is known, and
//! whose project it is (`access`).

mod scopes;
pub mod table;

use std::{fmt, str::FromStr};

pub use scopes::{Scope, Scopes};

/// What somebody is in an organisation, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Role {
    Member,
    Admin,
    Manager,
    Owner,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Role; 4] = [Role::Member, Role::Admin, Role::Manager, Role::Owner];

    /// As it is stored and as the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Role::Member => "member",
            Role::Admin => "admin",
            Role::Manager => "manager",
            Role::Owner => "owner",
        }
    }

    /// What it may do.
    pub fn scopes(self) -> Scopes {
        let lines = table::ROLES.iter().filter(|(_, least)| self >= *least);
        lines.fold(Scopes::NONE, |scopes, (scope, _)| scopes.with(*scope))
    }

    /// Whether it sees every project of its organisation, whatever teams it is in.
    pub fn is_global(self) -> bool {
        self >= Role::Manager
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no such role.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no role: member, admin, manager or owner")]
pub struct NoRole(pub String);

impl FromStr for Role {
    type Err = NoRole;

    fn from_str(name: &str) -> Result<Role, NoRole> {
        Role::ALL.into_iter().find(|role| role.name() == name).ok_or_else(|| NoRole(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_have_the_scopes_that_sentry_gives_them() {
        let names = |role: Role| role.scopes().to_string();
        let member = "alerts:read event:admin event:read event:write member:read org:read project:read project:releases team:read";
        assert_eq!(names(Role::Member), member);
        let gained = |less: Role, more: Role| {
            let scopes = more.scopes();
            Scope::ALL
                .into_iter()
                .filter(|s| scopes.has(*s) && !less.scopes().has(*s))
                .map(Scope::name)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            gained(Role::Member, Role::Admin),
            ["alerts:write", "org:integrations", "project:admin", "project:write", "team:admin", "team:write"]
        );
        assert_eq!(gained(Role::Admin, Role::Manager), ["member:admin", "member:write", "org:write"]);
        assert_eq!(gained(Role::Manager, Role::Owner), ["org:admin"]);
    }

    #[test]
    fn a_role_is_read_by_its_name() {
        assert!(Role::ALL.iter().all(|role| role.name().parse() == Ok(*role)));
        assert!("boss".parse::<Role>().is_err());
    }
}
