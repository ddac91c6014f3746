//! Who may see an organisation, and its teams.

use axum::{
    RequestPartsExt,
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};

use super::{Visitor, param, require, who};
use crate::{
    app::App,
    auth::User,
    organizations::{self, Organization, Standing},
    permissions::{Role, Scope, Scopes},
    projects::{self, Project},
    teams::{self, Team},
    ui::{Language, Page},
    web::Error,
};

/// A visitor who may see the organisation that the path names, and those of its projects that they see.
#[derive(Clone, Debug)]
pub struct Membership {
    pub visitor: Visitor,
    pub organization: Organization,
    pub projects: Vec<Project>,
    /// None for a superuser from outside, and for a token of the organisation.
    pub role: Option<Role>,
    pub scopes: Scopes,
}

/// A visitor who may decide about the organisation that the path names.
#[derive(Clone, Debug)]
pub struct OrganizationAdmin(pub Membership);

/// A visitor who may see the team that the path names.
#[derive(Clone, Debug)]
pub struct TeamAccess {
    pub membership: Membership,
    pub team: Team,
}

/// What somebody may do in an organisation, as they were known.
pub(super) fn scopes(visitor: &Visitor, standing: Standing) -> Scopes {
    let User { is_superuser, machine_of, .. } = &visitor.user;
    let most = match standing.role {
        _ if *is_superuser || machine_of.is_some() => Scopes::ALL,
        Some(role) => role.scopes(),
        None => Scopes::NONE,
    };
    most.and(visitor.grant.scopes())
}

impl Membership {
    /// The frame of one of the organisation's pages.
    pub fn page(&self, language: Language) -> Page {
        self.visitor.page(language)
    }

    /// Whether they may do this here.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.has(scope)
    }

    /// The highest role that they may give: their own, and any for a superuser.
    pub fn most(&self) -> Option<Role> {
        if self.visitor.user.is_superuser { Some(Role::Owner) } else { self.role }
    }
}

impl FromRequestParts<App> for Membership {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Membership, Error> {
        let who = who(parts)?;
        let path = parts.extract::<RawPathParams>().await.map_err(|_| Error::NotFound)?;
        let slug = param(&path, "org").ok_or(Error::NotFound)?;
        let visitor = Visitor::known(parts, app).await?;
        let found = organizations::store::standing(&app.db, &visitor.user, slug).await?;
        let (organization, standing) = found.ok_or(Error::NotFound)?;
        let scopes = scopes(&visitor, standing);
        require(who, scopes)?;
        let projects = projects::store::seen(&app.db, &visitor.user, organization.id).await?;
        Ok(Membership { visitor, organization, projects, role: standing.role, scopes })
    }
}

impl FromRequestParts<App> for OrganizationAdmin {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<OrganizationAdmin, Error> {
        let membership: Membership = parts.extract_with_state(app).await?;
        if membership.may(Scope::OrgWrite) { Ok(OrganizationAdmin(membership)) } else { Err(Error::Forbidden) }
    }
}

impl FromRequestParts<App> for TeamAccess {
    type Rejection = Error;

    /// Teams of one's organisation are no secret; to change one takes a role that may, in the team or beyond teams.
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<TeamAccess, Error> {
        let membership: Membership = parts.extract_with_state(app).await?;
        let path = parts.extract::<RawPathParams>().await.map_err(|_| Error::NotFound)?;
        let slug = param(&path, "team").ok_or(Error::NotFound)?;
        let found = teams::store::find(&app.db, membership.organization.id, membership.visitor.user.id, slug).await?;
        let team = found.ok_or(Error::NotFound)?;
        let beyond = membership.visitor.user.is_superuser || membership.role.is_none_or(Role::is_global);
        let reads = parts.method.is_safe();
        if reads || beyond || team.is_member { Ok(TeamAccess { membership, team }) } else { Err(Error::Forbidden) }
    }
}
