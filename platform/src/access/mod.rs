//! Who may see what, in one file: the extractors a handler names to be allowed in.
//!
//! Somebody is known by the bearer token of the request or by the session's cookie. What is not theirs does not exist for
//! them: 404, never 403, so that nobody learns the names of other people's projects. Cookies are `SameSite=Lax` and every
//! request that changes something passes the CSRF layer of `web`, on the API as on the pages.

use axum::{
    RequestPartsExt,
    extract::{FromRequestParts, OptionalFromRequestParts, RawPathParams},
    http::{header, request::Parts},
};
use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};

use crate::{
    app::App,
    auth::{self, SecretHash, User},
    issues::{self, Issue, IssueId},
    organizations::{self, Organization},
    projects::{self, Project},
    ui::{Language, Page, Place},
    web::Error,
};

/// The cookie that holds a session's secret.
pub const SESSION_COOKIE: &str = "picket_session";

/// Somebody who is signed in, by cookie or by token.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub user: User,
}

/// A visitor who may see the project that the path names.
#[derive(Clone, Debug)]
pub struct ProjectAccess {
    pub user: User,
    pub organization: Organization,
    pub project: Project,
}

/// A visitor who may see the organisation that the path names, and its projects.
#[derive(Clone, Debug)]
pub struct Membership {
    pub visitor: Visitor,
    pub organization: Organization,
    pub projects: Vec<Project>,
}

/// A visitor who may see the project that the path names, and whether they may decide about it.
#[derive(Clone, Debug)]
pub struct ProjectView {
    pub access: ProjectAccess,
    pub may_decide: bool,
}

/// A visitor who may decide about the project that the path names: of its organisation's admins, managers and owners.
#[derive(Clone, Debug)]
pub struct ProjectAdmin(pub ProjectAccess);

/// A visitor who may decide about the organisation that the path names: of its managers and owners.
#[derive(Clone, Debug)]
pub struct OrganizationAdmin(pub Membership);

/// A visitor who may see the issue that the path names.
#[derive(Clone, Debug)]
pub struct IssueAccess {
    pub access: ProjectAccess,
    pub issue: Issue,
}

impl Visitor {
    /// The frame of a page that belongs to no project.
    pub fn page(&self, language: Language) -> Page {
        Page { user: Some(self.user.email.clone()), ..Page::plain(language) }
    }
}

impl ProjectAccess {
    /// The frame of one of the project's pages.
    pub fn page(&self, language: Language) -> Page {
        let place = Place {
            organization: self.organization.slug.clone(),
            project: self.project.slug.clone(),
            name: self.project.name.clone(),
        };
        Page { user: Some(self.user.email.clone()), place: Some(place), ..Page::plain(language) }
    }
}

impl ProjectAdmin {
    /// The same visitor where pages are shown.
    pub fn view(self) -> ProjectView {
        ProjectView { access: self.0, may_decide: true }
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Visitor, Error> {
        if let Some(header) = parts.headers.get(header::AUTHORIZATION) {
            let token = header.to_str().ok().and_then(bearer).ok_or(Error::InvalidToken)?;
            let user = auth::store::user_of_token(&app.db, SecretHash::of(token), app.now()).await?;
            return user.map(|user| Visitor { user }).ok_or(Error::InvalidToken);
        }
        let jar = CookieJar::from_headers(&parts.headers);
        let secret = session_secret(&jar).ok_or(Error::Unauthorized)?;
        let user = auth::store::user_of_session(&app.db, SecretHash::of(secret), app.now()).await?;
        user.map(|user| Visitor { user }).ok_or(Error::Unauthorized)
    }
}

/// Nobody, where a handler serves strangers too; a wrong token is refused all the same.
impl OptionalFromRequestParts<App> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Visitor>, Error> {
        match <Visitor as FromRequestParts<App>>::from_request_parts(parts, app).await {
            Ok(visitor) => Ok(Some(visitor)),
            Err(Error::Unauthorized) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl FromRequestParts<App> for ProjectAccess {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<ProjectAccess, Error> {
        let Visitor { user } = parts.extract_with_state(app).await?;
        let path = parts.extract::<RawPathParams>().await.map_err(|_| Error::NotFound)?;
        let organization = param(&path, "org").ok_or(Error::NotFound)?;
        let project = param(&path, "project").ok_or(Error::NotFound)?;
        let found = projects::store::visible(&app.db, &user, organization, project).await?;
        let (organization, project) = found.ok_or(Error::NotFound)?;
        Ok(ProjectAccess { user, organization, project })
    }
}

impl FromRequestParts<App> for Membership {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Membership, Error> {
        let visitor: Visitor = parts.extract_with_state(app).await?;
        let path = parts.extract::<RawPathParams>().await.map_err(|_| Error::NotFound)?;
        let slug = param(&path, "org").ok_or(Error::NotFound)?;
        let found = organizations::store::visible(&app.db, &visitor.user, slug).await?;
        let organization = found.ok_or(Error::NotFound)?;
        let projects = projects::store::of_organization(&app.db, organization.id).await?;
        Ok(Membership { visitor, organization, projects })
    }
}

impl FromRequestParts<App> for OrganizationAdmin {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<OrganizationAdmin, Error> {
        let membership: Membership = parts.extract_with_state(app).await?;
        let Membership { visitor: Visitor { user }, organization, .. } = &membership;
        let manages = user.is_superuser || organizations::store::manages(&app.db, organization.id, user.id).await?;
        if manages { Ok(OrganizationAdmin(membership)) } else { Err(Error::Forbidden) }
    }
}

impl FromRequestParts<App> for ProjectView {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<ProjectView, Error> {
        let access: ProjectAccess = parts.extract_with_state(app).await?;
        let may_decide = access.user.is_superuser
            || organizations::store::decides(&app.db, access.organization.id, access.user.id).await?;
        Ok(ProjectView { access, may_decide })
    }
}

impl FromRequestParts<App> for ProjectAdmin {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<ProjectAdmin, Error> {
        let ProjectView { access, may_decide } = parts.extract_with_state(app).await?;
        if may_decide { Ok(ProjectAdmin(access)) } else { Err(Error::Forbidden) }
    }
}

impl FromRequestParts<App> for IssueAccess {
    type Rejection = Error;

    /// The issue of `/{org}/{project}/issues/{issue}/`, or of the API's paths that name an issue alone. One that was merged
    /// into another answers as that one; a page leads there.
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<IssueAccess, Error> {
        let path = parts.extract::<RawPathParams>().await.map_err(|_| Error::NotFound)?;
        let asked = param(&path, "issue").and_then(|issue| issue.parse().ok()).map(IssueId).ok_or(Error::NotFound)?;
        let place = if param(&path, "project").is_some() { IssuePath::Page } else { IssuePath::Api };
        let found = IssueAccess::find(parts, app, asked, place).await;
        let Err(Error::NotFound) = found else { return found };
        let into = issues::merging::forwarded(&app.db, asked).await?.ok_or(Error::NotFound)?;
        let found = IssueAccess::find(parts, app, into, place).await?;
        if place == IssuePath::Page {
            let ProjectAccess { organization, project, .. } = &found.access;
            return Err(Error::Moved(issues::path(&organization.slug, &project.slug, into)));
        }
        Ok(found)
    }
}

/// Pages name the project too, the API's paths an issue alone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IssuePath {
    Page,
    Api,
}

impl IssueAccess {
    async fn find(parts: &mut Parts, app: &App, issue: IssueId, place: IssuePath) -> Result<IssueAccess, Error> {
        let access = if place == IssuePath::Page {
            parts.extract_with_state::<ProjectAccess, _>(app).await?
        } else {
            let Visitor { user } = parts.extract_with_state(app).await?;
            let found = projects::store::visible_with_issue(&app.db, &user, issue).await?;
            let (organization, project) = found.ok_or(Error::NotFound)?;
            ProjectAccess { user, organization, project }
        };
        let issue = issues::store::find(&app.db, access.project.id, issue).await?.ok_or(Error::NotFound)?;
        Ok(IssueAccess { access, issue })
    }
}

/// The cookie of a new session.
pub fn session_cookie(app: &App, secret: String) -> Cookie<'static> {
    // The browser keeps it for good; the server decides when the session is over.
    Cookie::build((SESSION_COOKIE, secret))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(app.config.site.use_ssl)
        .permanent()
        .build()
}

/// The cookie to remove from the jar when a session ends.
pub fn ended_session_cookie() -> Cookie<'static> {
    Cookie::build(SESSION_COOKIE).path("/").build()
}

/// The session's secret, where the request has one.
pub fn session_secret(jar: &CookieJar) -> Option<&str> {
    jar.get(SESSION_COOKIE).map(Cookie::value)
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn param<'a>(path: &'a RawPathParams, name: &str) -> Option<&'a str> {
    path.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}
