//! Organisations: who shares projects.

pub mod store;

use anyhow::{Context, Result};

use crate::{
    app::App,
    auth::{Rank, UserId},
    permissions::Role,
};

/// The organisation of an installation that has one for everybody.
pub const DEFAULT_SLUG: &str = "sentry";
/// What people call it.
pub const DEFAULT_NAME: &str = "Sentry";

/// Names that stand first in our own addresses.
const RESERVED: [&str; 6] = ["account", "api", "auth", "manage", "organizations", "settings"];

/// Whether an organisation may not be called this: its pages would be hidden behind ours.
pub fn is_reserved(slug: &str) -> bool {
    RESERVED.contains(&slug)
}

/// An organisation's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct OrganizationId(pub i64);

/// An organisation.
#[derive(Clone, Debug)]
pub struct Organization {
    pub id: OrganizationId,
    pub slug: String,
    pub name: String,
}

/// What somebody is in an organisation that they may see.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// None for a superuser from outside, and for the machine behind a token of the organisation.
    pub role: Option<Role>,
}

/// How an organisation takes people in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joining {
    /// Every member sees every project and may join every team.
    pub open_membership: bool,
    /// What somebody becomes where nobody says so.
    pub default_role: Role,
}

/// Makes somebody a member of the one organisation, which is created when there is none. Does nothing where every
/// organisation chooses its members.
pub async fn join_single(app: &App, user: UserId, rank: Rank) -> Result<()> {
    if !app.config.site.single_organization {
        return Ok(());
    }
    let organization = match store::oldest(&app.db).await.context("looking for the organisation")? {
        Some(organization) => organization,
        None => {
            store::find_or_create(&app.db, DEFAULT_SLUG, DEFAULT_NAME).await.context("creating the organisation")?
        }
    };
    let role = match rank {
        Rank::Superuser => Role::Owner,
        Rank::Person => {
            let joining = store::joining(&app.db, organization.id).await.context("looking for the default role")?;
            joining.map_or(Role::Member, |joining| joining.default_role)
        }
    };
    store::join(&app.db, organization.id, user, role).await.context("joining the organisation")
}
