//! Who may see a project, and its issues.

use axum::{
    RequestPartsExt,
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};

use super::{Visitor, organization::scopes, param, require, who};
use crate::{
    app::App,
    audit::Actor,
    auth::User,
    issues::{self, Issue, IssueId},
    organizations::Organization,
    permissions::{Scope, Scopes},
    projects::{self, Project, store::Seen},
    ui::{Language, Page, Place},
    web::Error,
};

/// A visitor who may see the project that the path names.
#[derive(Clone, Debug)]
pub struct ProjectAccess {
    pub user: User,
    pub organization: Organization,
    pub project: Project,
    pub scopes: Scopes,
    /// Them, for the audit log.
    pub actor: Actor,
}

/// A visitor who may see the project that the path names, and whether they may decide about it.
#[derive(Clone, Debug)]
pub struct ProjectView {
    pub access: ProjectAccess,
    pub may_decide: bool,
}

/// A visitor who may decide about the project that the path names.
#[derive(Clone, Debug)]
pub struct ProjectAdmin(pub ProjectAccess);

/// A visitor who may see the issue that the path names.
#[derive(Clone, Debug)]
pub struct IssueAccess {
    pub access: ProjectAccess,
    pub issue: Issue,
}

impl ProjectAccess {
    /// The frame of one of the project's pages.
    pub fn page(&self, language: Language) -> Page {
        let place = Place {
            organization: self.organization.slug.clone(),
            project: self.project.slug.clone(),
            name: self.project.name.clone(),
        };
        Page { place: Some(place), ..Page::of(&self.user, language) }
    }

    /// Of what was found: nothing for who is not of its organisation, a refusal for who may not do it or is in none of its teams.
    fn of(parts: &Parts, visitor: Visitor, found: Option<Seen>) -> Result<ProjectAccess, Error> {
        let Seen { organization, project, standing, in_reach } = found.ok_or(Error::NotFound)?;
        let scopes = scopes(&visitor, standing);
        require(who(parts)?, scopes)?;
        if !in_reach {
            return Err(Error::Forbidden);
        }
        let actor = visitor.actor();
        Ok(ProjectAccess { user: visitor.user, organization, project, scopes, actor })
    }
}

impl ProjectAdmin {
    /// The same visitor where pages are shown.
    pub fn view(self) -> ProjectView {
        ProjectView { access: self.0, may_decide: true }
    }
}

impl FromRequestParts<App> for ProjectAccess {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<ProjectAccess, Error> {
        let visitor = Visitor::known(parts, app).await?;
        let path = parts.extract::<RawPathParams>().await.map_err(|_| Error::NotFound)?;
        let organization = param(&path, "org").ok_or(Error::NotFound)?;
        let project = param(&path, "project").ok_or(Error::NotFound)?;
        let found = projects::store::visible(&app.db, &visitor.user, organization, project).await?;
        ProjectAccess::of(parts, visitor, found)
    }
}

impl FromRequestParts<App> for ProjectView {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<ProjectView, Error> {
        let access: ProjectAccess = parts.extract_with_state(app).await?;
        let may_decide = access.scopes.has(Scope::ProjectWrite);
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
        let asked = param(&path, "issue").and_then(|issue| issue.parse().ok()).map(IssueId);
        // Who has no way in learns that first, whatever the number.
        let visitor = Visitor::known(parts, app).await?;
        let asked = asked.ok_or(Error::NotFound)?;
        let place = if param(&path, "project").is_some() { IssuePath::Page } else { IssuePath::Api };
        let found = IssueAccess::find(parts, app, asked, (place, &visitor)).await;
        let Err(Error::NotFound) = found else { return found };
        let into = issues::merging::forwarded(&app.db, asked).await?.ok_or(Error::NotFound)?;
        let found = IssueAccess::find(parts, app, into, (place, &visitor)).await?;
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
    async fn find(
        parts: &mut Parts,
        app: &App,
        issue: IssueId,
        (place, visitor): (IssuePath, &Visitor),
    ) -> Result<IssueAccess, Error> {
        let access = if place == IssuePath::Page {
            parts.extract_with_state::<ProjectAccess, _>(app).await?
        } else {
            let path = parts.extract::<RawPathParams>().await.map_err(|_| Error::NotFound)?;
            let found = projects::store::visible_with_issue(&app.db, &visitor.user, issue).await?;
            let named = param(&path, "org");
            let found = found.filter(|seen| named.is_none_or(|org| org == seen.organization.slug));
            ProjectAccess::of(parts, visitor.clone(), found)?
        };
        let issue = issues::store::find(&app.db, access.project.id, issue).await?.ok_or(Error::NotFound)?;
        Ok(IssueAccess { access, issue })
    }
}
