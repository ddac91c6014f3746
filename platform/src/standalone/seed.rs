//! What the first start puts into the database: somebody to sign in, an organisation, a project, an API token.
//!
//! Every step can be repeated, so a first start that was killed is finished by the next.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::{home::Home, state::State};
use crate::{app::App, auth, organizations, projects};

const PROJECT_NAME: &str = "Demo";
const PROJECT_SLUG: &str = "demo";

/// What was put in.
#[derive(Clone, Deserialize, Serialize)]
pub struct Seeded {
    pub token: String,
    pub organization: String,
    pub project: String,
    pub project_id: i64,
    pub public_key: String,
}

/// Fills the database on the first start; afterwards, says what it was filled with.
pub async fn seed(app: &App, home: &Home, state: &mut State) -> Result<Seeded> {
    if let Some(seeded) = &state.seeded {
        return Ok(seeded.clone());
    }
    let password = state.password.as_str().into();
    let user = auth::create_user(&app.db, &state.email, &password, auth::Rank::Superuser).await?;
    organizations::join_single(app, user, auth::Rank::Superuser).await?;
    let organization =
        organizations::store::find_or_create(&app.db, organizations::DEFAULT_SLUG, organizations::DEFAULT_NAME)
            .await
            .context("creating the organisation")?;
    let created = projects::create(&app.db, organization.id, PROJECT_NAME, PROJECT_SLUG, "").await?;
    let seeded = Seeded {
        token: auth::create_token(&app.db, user, "standalone").await?,
        organization: organization.slug,
        project: created.project.slug,
        project_id: created.project.id.0,
        public_key: created.public_key,
    };
    state.seeded = Some(seeded.clone());
    state.save(home)?;
    Ok(seeded)
}
