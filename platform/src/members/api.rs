//! Sentry's Web API v0 of members: list, invite, change, remove, and their teams.

use std::collections::HashMap;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use chrono::{SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Change, Member, Refused,
    invitations::{self, Invite, Invited},
    store,
};
use crate::{
    access::{Membership, TeamAccess},
    app::App,
    organizations,
    permissions::Role,
    teams::{self, Team, TeamId},
    web::{Error, api_route},
};

/// The routes of this slice.
pub fn routes() -> Router<App> {
    let router = api_route(Router::new(), "/api/0/organizations/{org}/members/", get(list).post(invite));
    let router = api_route(router, "/api/0/organizations/{org}/members/me/", get(one_self).delete(leave));
    let router = api_route(router, "/api/0/organizations/{org}/members/{member}/", get(one).put(change).delete(remove));
    let router =
        api_route(router, "/api/0/organizations/{org}/members/me/teams/{team}/", post(join_self).delete(leave_team));
    api_route(
        router,
        "/api/0/organizations/{org}/members/{member}/teams/{team}/",
        post(put_into_team).delete(take_out_of_team),
    )
}

fn json(member: &Member, now: chrono::DateTime<Utc>) -> Value {
    let user = member.user_id.map(|id| {
        json!({
            "id": id.0.to_string(), "email": member.email, "username": member.email, "name": member.shown(),
            "isActive": member.is_active, "avatar": {"avatarType": "letter_avatar", "avatarUuid": null},
        })
    });
    json!({
        "id": member.id.to_string(), "email": member.email, "name": member.shown(), "user": user,
        "role": member.role.name(), "orgRole": member.role.name(), "roleName": role_name(member.role),
        "pending": member.is_pending(), "expired": member.expires_at.is_some_and(|until| until <= now),
        "dateCreated": member.joined_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        "teams": member.teams,
        "flags": {"sso:linked": member.managed_by.is_some(), "sso:invalid": false, "member-limit:restricted": false},
        "inviteStatus": "approved",
    })
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Member => "Member",
        Role::Admin => "Admin",
        Role::Manager => "Manager",
        Role::Owner => "Owner",
    }
}

async fn list(State(app): State<App>, membership: Membership) -> Result<Json<Value>, Error> {
    let members = store::list(&app.db, membership.organization.id).await?;
    Ok(Json(members.iter().map(|member| json(member, app.now())).collect()))
}

/// What is wanted of a member; both of Sentry's names for the role are taken.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    #[serde(default)]
    email: String,
    role: Option<String>,
    org_role: Option<String>,
    teams: Option<Vec<String>>,
}

impl Wanted {
    fn role(&self) -> Result<Option<Role>, Error> {
        let named = self.org_role.as_deref().or(self.role.as_deref());
        named
            .map(|name| name.parse().map_err(|e: crate::permissions::NoRole| Error::field("role", e.to_string())))
            .transpose()
    }

    async fn teams(&self, app: &App, membership: &Membership) -> Result<Option<Vec<TeamId>>, Error> {
        let Some(slugs) = &self.teams else { return Ok(None) };
        let known: HashMap<String, TeamId> = teams::store::by_slugs(&app.db, membership.organization.id, slugs)
            .await?
            .into_iter()
            .map(|(id, slug)| (slug, id))
            .collect();
        let ids = slugs.iter().map(|slug| {
            known.get(slug).copied().ok_or_else(|| Error::field("teams", format!("There is no team {slug:?}.")))
        });
        ids.collect::<Result<_, _>>().map(Some)
    }
}

/// Whether this may be an address: the mail server decides in the end.
pub fn is_email(text: &str) -> bool {
    let parts = text.split_once('@');
    let plain = !text.contains(|c: char| c.is_whitespace() || c.is_control() || "<>,;".contains(c));
    plain
        && text.len() <= 200
        && parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
}

async fn invite(
    State(app): State<App>,
    membership: Membership,
    Json(wanted): Json<Wanted>,
) -> Result<(StatusCode, Json<Value>), Error> {
    let email = wanted.email.trim().to_owned();
    if !is_email(&email) {
        return Err(Error::field("email", "Enter a valid email address."));
    }
    let organization = &membership.organization;
    let joining = organizations::store::joining(&app.db, organization.id).await?.ok_or(Error::NotFound)?;
    let role = wanted.role()?.unwrap_or(joining.default_role);
    if membership.most().is_none_or(|most| role > most) {
        return Err(refused(Refused::TooHigh));
    }
    let teams = wanted.teams(&app, &membership).await?.unwrap_or_default();
    let asked = Invite { email, role, teams };
    match invitations::invite(&app, &membership.visitor.actor(), organization, &asked).await? {
        Invited::AlreadyMember => Err(Error::field("email", format!("The user {} is already a member", asked.email))),
        Invited::Sent { id, .. } => {
            let member = find(&app, &membership, id).await?;
            Ok((StatusCode::CREATED, Json(json(&member, app.now()))))
        }
    }
}

#[derive(Deserialize)]
struct Named {
    member: i64,
}

async fn find(app: &App, membership: &Membership, id: i64) -> Result<Member, Error> {
    let members = store::list(&app.db, membership.organization.id).await?;
    members.into_iter().find(|member| member.id == id).ok_or(Error::NotFound)
}

async fn own(app: &App, membership: &Membership) -> Result<Member, Error> {
    let members = store::list(&app.db, membership.organization.id).await?;
    members.into_iter().find(|member| member.user_id == Some(membership.visitor.user.id)).ok_or(Error::NotFound)
}

async fn one(
    State(app): State<App>,
    membership: Membership,
    Path(Named { member }): Path<Named>,
) -> Result<Json<Value>, Error> {
    Ok(Json(json(&find(&app, &membership, member).await?, app.now())))
}

async fn one_self(State(app): State<App>, membership: Membership) -> Result<Json<Value>, Error> {
    Ok(Json(json(&own(&app, &membership).await?, app.now())))
}

/// Why a member stays as they are, in words.
pub fn refused(why: Refused) -> Error {
    match why {
        Refused::TooHigh => Error::field("role", "You cannot give, change or remove a role above your own."),
        Refused::LastOwner => Error::field("role", "An organization keeps an owner: make somebody else one first."),
    }
}

async fn change(
    State(app): State<App>,
    membership: Membership,
    Path(Named { member }): Path<Named>,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Value>, Error> {
    let before = find(&app, &membership, member).await?;
    let change = Change { role: wanted.role()?.unwrap_or(before.role), teams: wanted.teams(&app, &membership).await? };
    let place = (membership.organization.id, membership.most());
    super::change(&app.db, &membership.visitor.actor(), place, (&before, change)).await?.map_err(refused)?;
    Ok(Json(json(&find(&app, &membership, member).await?, app.now())))
}

async fn remove(
    State(app): State<App>,
    membership: Membership,
    Path(Named { member }): Path<Named>,
) -> Result<StatusCode, Error> {
    let member = find(&app, &membership, member).await?;
    let place = (membership.organization.id, membership.most());
    super::remove(&app.db, &membership.visitor.actor(), place, &member).await?.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn leave(State(app): State<App>, membership: Membership) -> Result<StatusCode, Error> {
    let member = own(&app, &membership).await?;
    let place = (membership.organization.id, membership.most());
    super::remove(&app.db, &membership.visitor.actor(), place, &member).await?.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct OfTeam {
    team: String,
}

async fn team(app: &App, membership: &Membership, slug: &str) -> Result<Team, Error> {
    let (organization, user) = (membership.organization.id, membership.visitor.user.id);
    teams::store::find(&app.db, organization, user, slug).await?.ok_or(Error::NotFound)
}

/// Joins where membership is open, or where one decides about teams; else asks to.
async fn join_self(
    State(app): State<App>,
    membership: Membership,
    Path(OfTeam { team: slug }): Path<OfTeam>,
) -> Result<(StatusCode, Json<Value>), Error> {
    let joined = join(&app, &membership, &slug).await?;
    let team = team(&app, &membership, &slug).await?;
    let status = if joined == Joined::Asked { StatusCode::ACCEPTED } else { StatusCode::CREATED };
    Ok((status, Json(teams::api::json(&team))))
}

/// What came of wanting to be in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    Now,
    /// Somebody has to say yes.
    Asked,
}

/// Puts oneself into a team, or asks to be.
pub async fn join(app: &App, membership: &Membership, slug: &str) -> Result<Joined, Error> {
    let me = own(app, membership).await?;
    let team = team(app, membership, slug).await?;
    let organization = membership.organization.id;
    let joining = organizations::store::joining(&app.db, organization).await?.ok_or(Error::NotFound)?;
    let beyond = membership.role.is_some_and(Role::is_global) || membership.visitor.user.is_superuser;
    let user = membership.visitor.user.id;
    if joining.open_membership || beyond {
        teams::join(&app.db, &membership.visitor.actor(), &team, (user, &me.email)).await?;
        return Ok(Joined::Now);
    }
    if !team.is_member {
        teams::ask(&app.db, &team, user).await?;
    }
    Ok(Joined::Asked)
}

async fn leave_team(
    State(app): State<App>,
    membership: Membership,
    Path(OfTeam { team: slug }): Path<OfTeam>,
) -> Result<Json<Value>, Error> {
    let (me, found) = (own(&app, &membership).await?, team(&app, &membership, &slug).await?);
    let user = membership.visitor.user.id;
    teams::leave(&app.db, &membership.visitor.actor(), &found, (user, &me.email)).await?;
    Ok(Json(teams::api::json(&team(&app, &membership, &slug).await?)))
}

async fn put_into_team(
    State(app): State<App>,
    access: TeamAccess,
    Path(Named { member }): Path<Named>,
) -> Result<(StatusCode, Json<Value>), Error> {
    let TeamAccess { membership, team } = access;
    let member = find(&app, &membership, member).await?;
    let user =
        member.user_id.ok_or_else(|| Error::field("member", "They have not joined yet: change the invitation."))?;
    teams::join(&app.db, &membership.visitor.actor(), &team, (user, &member.email)).await?;
    Ok((StatusCode::CREATED, Json(teams::api::json(&team))))
}

async fn take_out_of_team(
    State(app): State<App>,
    access: TeamAccess,
    Path(Named { member }): Path<Named>,
) -> Result<Json<Value>, Error> {
    let TeamAccess { membership, team } = access;
    let member = find(&app, &membership, member).await?;
    if let Some(user) = member.user_id {
        teams::leave(&app.db, &membership.visitor.actor(), &team, (user, &member.email)).await?;
    }
    Ok(Json(teams::api::json(&team)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_has_a_name_and_a_host() {
        assert!(is_email("grace@example.com") && is_email("格蕾丝@例子.中国"));
        for wrong in
            ["", "grace", "@example.com", "grace@", "a@b@c", "a b@c", "a@b\r\nBcc: c@d", "Grace <g@example.com>"]
        {
            assert!(!is_email(wrong), "{wrong:?}");
        }
    }
}
