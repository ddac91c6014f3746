//! Where a stream of issues is: in a project, or in all projects of an organisation. Both have the same pages.

use axum::{
    RequestPartsExt,
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};

use crate::{
    access::{Membership, ProjectAccess},
    app::App,
    issues::{api::Scope, saved},
    projects::Project,
    ui::{Language, Page, Tab},
    web::Error,
};

/// Who looks at which issues, and the frame of the page on which they do.
pub(super) struct Place {
    pub scope: Scope,
    /// Of one project alone.
    pub access: Option<ProjectAccess>,
    pub language: Language,
    pub page: Page,
}

impl FromRequestParts<App> for Place {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Place, Error> {
        let language = Language::of(&parts.headers);
        let path = parts.extract::<RawPathParams>().await.map_err(|_| Error::NotFound)?;
        if path.iter().any(|(name, _)| name == "project") {
            let access: ProjectAccess = parts.extract_with_state(app).await?;
            let page = access.page(language).at(Tab::Issues);
            return Ok(Place { scope: access.clone().into(), access: Some(access), language, page });
        }
        let membership: Membership = parts.extract_with_state(app).await?;
        let page = membership.visitor.page(language).at(Tab::Issues);
        Ok(Place { scope: membership.into(), access: None, language, page })
    }
}

impl Place {
    /// Its one project.
    pub fn project(&self) -> Option<&Project> {
        self.access.as_ref().map(|access| &access.project)
    }

    /// The path of its list.
    pub fn base(&self) -> String {
        list_path(&self.scope.organization.slug, self.project().map(|project| project.slug.as_str()))
    }

    /// Where its searches are kept.
    pub fn searches(&self) -> saved::Place {
        let project = self.project().map(|project| project.id);
        saved::Place { organization: self.scope.organization.id, project }
    }
}

/// The path of a list.
pub(super) fn list_path(organization: &str, project: Option<&str>) -> String {
    match project {
        Some(project) => format!("/{organization}/{project}/issues/"),
        None => format!("/{organization}/issues/"),
    }
}
