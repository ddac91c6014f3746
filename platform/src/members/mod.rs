//! Members of organisations: who is in, as what, and who was invited.
//!
//! An invitation is a link in a mail; whoever has it may join, by signing in or by making an account. Nobody gives a role above
//! their own, and an organisation keeps an owner. Deliberately not here: members whom a directory decides about (`auth::ldap`).

pub mod api;
pub mod invitations;
pub mod store;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgPool;

use crate::{
    audit::{self, Actor, Entry},
    auth::UserId,
    organizations::OrganizationId,
    permissions::Role,
    teams::TeamId,
};

/// A member, or somebody who was invited.
#[derive(Clone, Debug)]
pub struct Member {
    pub id: i64,
    /// None while they have not joined.
    pub user_id: Option<UserId>,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub joined_at: DateTime<Utc>,
    /// Their teams' slugs.
    pub teams: Vec<String>,
    /// The directory that decides what they are.
    pub managed_by: Option<String>,
    /// When their invitation is over.
    pub expires_at: Option<DateTime<Utc>>,
    pub has_global_access: bool,
    pub is_active: bool,
}

impl Member {
    /// What they are called.
    pub fn shown(&self) -> &str {
        if self.name.is_empty() { &self.email } else { &self.name }
    }

    /// Whether they have yet to join.
    pub fn is_pending(&self) -> bool {
        self.user_id.is_none()
    }
}

/// What is to be different about a member.
#[derive(Clone, Debug)]
pub struct Change {
    pub role: Role,
    /// None: as they are.
    pub teams: Option<Vec<TeamId>>,
}

/// Why a member stays as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The role, theirs or the wanted one, is above that of who decides.
    TooHigh,
    /// An organisation keeps an owner.
    LastOwner,
}

/// Changes what a member is. A person decided then: no directory takes it back.
pub async fn change(
    db: &PgPool,
    actor: &Actor,
    (organization, most): (OrganizationId, Option<Role>),
    (member, change): (&Member, Change),
) -> Result<Result<(), Refused>> {
    if most.is_none_or(|most| change.role > most || member.role > most) {
        return Ok(Err(Refused::TooHigh));
    }
    let mut tx = db.begin().await.context("changing a member")?;
    if change.role != Role::Owner && !store::has_other_owner(&mut tx, organization, member).await? {
        return Ok(Err(Refused::LastOwner));
    }
    if let Some(user) = member.user_id {
        if change.role != member.role {
            store::set_role(&mut *tx, organization, user, change.role).await?;
        }
        if let Some(teams) = &change.teams {
            store::set_teams(&mut *tx, organization, user, teams).await?;
        }
    } else {
        invitations::store::change(&mut tx, member.id, &change).await?;
    }
    let data = json!({"role": change.role.name(), "old_role": member.role.name()});
    let entry = Entry { organization: Some(organization), event: "member.edit", target: &member.email, data };
    audit::record(&mut *tx, actor, entry).await?;
    tx.commit().await.context("changing a member")?;
    Ok(Ok(()))
}

/// Takes a member out of the organisation and its teams, or an invitation back.
pub async fn remove(
    db: &PgPool,
    actor: &Actor,
    (organization, most): (OrganizationId, Option<Role>),
    member: &Member,
) -> Result<Result<(), Refused>> {
    let is_self = member.user_id.is_some() && member.user_id == actor.id;
    if !is_self && most.is_none_or(|most| member.role > most) {
        return Ok(Err(Refused::TooHigh));
    }
    let mut tx = db.begin().await.context("removing a member")?;
    if !store::has_other_owner(&mut tx, organization, member).await? {
        return Ok(Err(Refused::LastOwner));
    }
    match member.user_id {
        Some(user) => store::remove(&mut tx, organization, user).await?,
        None => invitations::store::delete(&mut *tx, member.id).await?,
    }
    let data = json!({"role": member.role.name()});
    let entry = Entry { organization: Some(organization), event: "member.remove", target: &member.email, data };
    audit::record(&mut *tx, actor, entry).await?;
    tx.commit().await.context("removing a member")?;
    Ok(Ok(()))
}
