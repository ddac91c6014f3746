//! Organisations: who shares projects.

pub mod store;

use anyhow::{Context, Result};

use crate::{
    app::App,
    auth::{Rank, UserId},
};

/// The organisation of an installation that has one for everybody.
pub const DEFAULT_SLUG: &str = "sentry";
/// What people call it.
pub const DEFAULT_NAME: &str = "Sentry";

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
        Rank::Superuser => "owner",
        Rank::Person => "member",
    };
    store::join(&app.db, organization.id, user, role).await.context("joining the organisation")
}
