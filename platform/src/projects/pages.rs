//! The pages of a project that are not about its issues: how to set it up, and its settings.

use axum::{Router, response::Redirect, routing::get};

use super::{environments, keys, removal, settings, setup};
use crate::{access::ProjectAccess, app::App};

pub use super::setup::{Waiting, guide};

/// The pages of this slice.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{org}/{project}/", get(start))
        .merge(setup::routes())
        .merge(settings::pages::routes())
        .merge(keys::pages::routes())
        .merge(environments::pages::routes())
        .merge(removal::pages::routes())
}

async fn start(access: ProjectAccess) -> Redirect {
    Redirect::to(&format!("/{}/{}/issues/", access.organization.slug, access.project.slug))
}
