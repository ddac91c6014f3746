//! `picket projects create` and `picket projects list`.

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;
use serde_json::json;
use sqlx::PgPool;

use super::{Created, create, dsn, is_slug, note, slugify, store};
use crate::{
    app::connect,
    audit::Actor,
    auth::UserId,
    config::Config,
    organizations,
    teams::{self, Named},
};

/// Who does it, as the audit log tells.
const COMMAND: &str = "picket projects create";

/// `picket projects create`
#[derive(Args)]
pub struct Create {
    /// The organisation's slug; a new one is created.
    #[arg(long, value_name = "SLUG", default_value = organizations::DEFAULT_SLUG)]
    organization: String,
    /// What people call the project.
    #[arg(long = "name", id = "project-name", value_name = "NAME")]
    name: String,
    /// How it stands in URLs and issue names; made from the name when missing.
    #[arg(long = "slug", id = "project-slug")]
    slug: Option<String>,
    /// `python`, `javascript`, `go` …
    #[arg(long, default_value = "other")]
    platform: String,
    /// The team that sees it, by its slug; a new one is created. When missing, and the organisation's membership is not open, it is one called like the project.
    #[arg(long = "team", id = "project-team", value_name = "SLUG")]
    team: Option<String>,
    /// Prints one line of JSON instead of the DSN alone.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: Config,
}

#[derive(Serialize)]
struct Printed<'a> {
    dsn: &'a str,
    org: &'a str,
    project: &'a str,
    project_id: String,
    url: String,
}

/// Creates a project, or finds the one that has its slug, and prints its DSN.
pub async fn create_and_print(options: Create) -> Result<()> {
    let slug = match options.slug {
        Some(slug) => slug,
        None => slugify(&options.name).context("no slug can be made from this name: give one with --slug")?,
    };
    let site = &options.config.site;
    let db = connect(&options.config.postgres).await?;
    ensure!(
        !organizations::is_reserved(&options.organization),
        "no organization can be called {:?}: pages of ours begin with it",
        options.organization
    );
    let organization = organizations::store::find_or_create(&db, &options.organization, &options.organization)
        .await
        .context("creating the organisation")?;
    let created = create(&db, organization.id, &options.name, &slug, &options.platform).await?;
    if created.is_new {
        note(&db, &Actor::system(COMMAND), &created.project, ("project.create", &slug, json!({}))).await?;
    }
    give_to_team(&db, &created, options.team).await?;
    let Created { project, public_key, .. } = created;
    let dsn = dsn(&site.url_prefix, &public_key, project.id);
    if !options.json {
        println!("{dsn}");
        return Ok(());
    }
    let printed = Printed {
        dsn: &dsn,
        org: &organization.slug,
        project: &project.slug,
        project_id: project.id.0.to_string(),
        url: site.url(&format!("/{}/{}/issues/", organization.slug, project.slug)),
    };
    println!("{}", serde_json::to_string(&printed)?);
    Ok(())
}

/// Where membership is not open, nobody but managers sees a project that no team has.
async fn give_to_team(db: &PgPool, created: &Created, team: Option<String>) -> Result<()> {
    let project = &created.project;
    let joining = organizations::store::joining(db, project.organization_id).await.context("looking who sees it")?;
    let is_closed = joining.is_some_and(|joining| !joining.open_membership);
    let Some(slug) = team.or_else(|| (created.is_new && is_closed).then(|| project.slug.clone())) else {
        return Ok(());
    };
    ensure!(is_slug(&slug), "{slug:?} is no team's slug: lower-case letters, digits, - and _");
    let actor = Actor::system(COMMAND);
    let team = match teams::create(db, &actor, project.organization_id, (&slug, &slug)).await? {
        Named::Done(team) => team,
        Named::Taken => teams::store::find(db, project.organization_id, UserId(0), &slug)
            .await
            .context("looking for the team")?
            .context("the team was deleted meanwhile")?,
    };
    teams::add_project(db, &actor, &team, (project.id, &project.slug)).await
}

/// Prints every project, a line each: organisation, project, DSN.
pub async fn print_list(config: Config) -> Result<()> {
    let db = connect(&config.postgres).await?;
    for line in store::all_with_keys(&db).await.context("listing projects")? {
        let dsn = dsn(&config.site.url_prefix, &line.public_key, line.project);
        println!("{}\t{}\t{dsn}", line.organization_slug, line.project_slug);
    }
    Ok(())
}
