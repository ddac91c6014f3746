//! Projects: what an application reports to, and the keys it reports with.

pub mod api;
mod commands;
mod environments;
mod keys;
pub mod pages;
pub mod removal;
pub mod settings;
mod setup;
pub mod store;
pub mod words;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};
use sqlx::PgPool;

pub use commands::{Create, create_and_print, print_list};
pub use keys::{Key, KeysCommand, Origins, of as keys_of, run_keys, run_origins};

use crate::{
    audit::{self, Actor, Entry},
    organizations::{self, OrganizationId},
};
use settings::{Settings, options};
use store::Details;

/// The longest slug the database takes.
const LONGEST_SLUG: usize = 50;

/// A project's number, as it stands in a DSN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, sqlx::Type)]
#[sqlx(transparent)]
pub struct ProjectId(pub i64);

/// A project.
#[derive(Clone, Debug)]
pub struct Project {
    pub id: ProjectId,
    pub organization_id: OrganizationId,
    pub slug: String,
    pub name: String,
    pub platform: String,
}

/// A project with a key to report with.
#[derive(Clone, Debug)]
pub struct Created {
    pub project: Project,
    pub public_key: String,
    /// It was not there before.
    pub is_new: bool,
}

/// The DSN an SDK is configured with; `url_prefix` is where the platform is reached.
pub fn dsn(url_prefix: &str, public_key: &str, project: ProjectId) -> String {
    let (scheme, host) = url_prefix.trim_end_matches('/').split_once("://").unwrap_or(("http", url_prefix));
    format!("{scheme}://{public_key}@{host}/{}", project.0)
}

/// Creates a project with a key and the rule that tells its members of new issues. Where the slug is taken, nothing changes
/// and the answer is what is there.
pub async fn create(
    db: &PgPool,
    organization: OrganizationId,
    name: &str,
    slug: &str,
    platform: &str,
) -> Result<Created> {
    ensure!(is_slug(slug), "{slug:?} is no slug: lower-case letters, digits, - and _, at most {LONGEST_SLUG}");
    let mut tx = db.begin().await.context("creating a project")?;
    let new = store::insert(&mut *tx, organization, name, slug, platform).await.context("creating a project")?;
    let is_new = new.is_some();
    let project = match new {
        Some(project) => {
            store::insert_rule(&mut *tx, project.id).await.context("creating the project's first alert rule")?;
            project
        }
        // Whoever took the slug has committed: the insert waited for it.
        None => store::by_slug(&mut *tx, organization, slug).await?.context("the project was deleted meanwhile")?,
    };
    let public_key = match store::active_key(&mut *tx, project.id).await.context("looking for a key")? {
        Some(key) => key,
        None => {
            store::insert_key(&mut *tx, project.id, &new_public_key(), "Default").await.context("creating a key")?
        }
    };
    tx.commit().await.context("creating a project")?;
    Ok(Created { project, public_key, is_new })
}

/// Whether an organisation has a project of this slug.
pub async fn exists(db: &PgPool, organization: OrganizationId, slug: &str) -> Result<bool> {
    Ok(store::by_slug(db, organization, slug).await.context("looking for a project")?.is_some())
}

/// The project that a command names.
pub async fn find(db: &PgPool, organization: &str, slug: &str) -> Result<Project> {
    let found = organizations::store::by_slug(db, organization).await.context("looking for the organisation")?;
    let owner = found.with_context(|| format!("there is no organisation {organization:?}"))?;
    let found = store::by_slug(db, owner.id, slug).await.context("looking for the project")?;
    found.with_context(|| format!("{organization:?} has no project {slug:?}: `picket projects list` shows them"))
}

/// What is to be different about a project. The settings replace what is there.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub name: Option<String>,
    pub slug: Option<String>,
    pub platform: Option<String>,
    pub origins: Option<Vec<String>>,
    pub settings: Settings,
}

/// What came of changing a project.
#[derive(Clone, Debug)]
pub enum Changed {
    Done(Project, Box<Details>),
    NoSlug,
    SlugTaken,
    /// It was deleted meanwhile.
    Gone,
}

/// Changes a project. The audit log is told of each setting that is different then.
pub async fn change(db: &PgPool, actor: &Actor, project: &Project, changes: Changes) -> Result<Changed> {
    if changes.slug.as_deref().is_some_and(|slug| !is_slug(slug)) {
        return Ok(Changed::NoSlug);
    }
    let Some(before) = store::details(db, project.id).await.context("looking at a project")? else {
        return Ok(Changed::Gone);
    };
    let (after, details) = match store::update(db, project.id, &changes).await {
        Ok(Some(done)) => done,
        Ok(None) => return Ok(Changed::Gone),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => return Ok(Changed::SlugTaken),
        Err(error) => return Err(error).context("changing a project"),
    };
    let (before, now) = (told(project, &before), told(&after, &details));
    let different = |(name, value): &(String, Value)| before.get(name) != Some(value);
    let different: Map<String, Value> = now.into_iter().filter(different).collect();
    if !different.is_empty() {
        note(db, actor, &after, ("project.edit", &after.slug, Value::Object(different))).await?;
    }
    Ok(Changed::Done(after, Box::new(details)))
}

/// What a project is, as the audit log tells it.
fn told(project: &Project, details: &Details) -> Map<String, Value> {
    let mut all = options::options(&details.settings);
    all.insert("name".into(), json!(project.name));
    all.insert("slug".into(), json!(project.slug));
    all.insert("platform".into(), json!(project.platform));
    all.insert("allowedDomains".into(), json!(details.origins));
    for filter in options::filters(&details.settings.filters).as_array().into_iter().flatten() {
        if let Some(id) = filter["id"].as_str() {
            all.insert(format!("filters:{id}"), filter["active"].clone());
        }
    }
    all
}

/// Writes down in the audit log what was done to a project.
pub async fn note(
    db: &PgPool,
    actor: &Actor,
    project: &Project,
    (event, target, data): (&'static str, &str, Value),
) -> Result<()> {
    audit::record(db, actor, Entry { organization: Some(project.organization_id), event, target, data }).await
}

/// A slug for a name: `Web Shop (EU)` becomes `web-shop-eu`. None where nothing of the name can stand in one.
pub fn slugify(name: &str) -> Option<String> {
    let mut slug = String::new();
    for c in name.chars() {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9' | '_') => slug.push(c),
            _ if slug.is_empty() || slug.ends_with('-') => (),
            _ => slug.push('-'),
        }
    }
    slug.truncate(LONGEST_SLUG);
    let slug = slug.trim_matches(['-', '_']).to_owned();
    Some(slug).filter(|slug| is_slug(slug))
}

fn is_slug(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= LONGEST_SLUG && text.starts_with(letter) && text.chars().all(|c| letter(c) || c == '-' || c == '_')
}

fn new_public_key() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_keeps_what_it_can_of_a_name() {
        assert_eq!(slugify("Web Shop (EU)").as_deref(), Some("web-shop-eu"));
        assert_eq!(slugify("__init__").as_deref(), Some("init"));
        assert_eq!(slugify("Café №7").as_deref(), Some("caf-7"));
        assert_eq!(slugify("商店"), None);
        assert_eq!(slugify(&"x".repeat(80)).map(|slug| slug.len()), Some(50));
    }

    #[test]
    fn a_dsn_names_scheme_key_host_and_project() {
        assert_eq!(dsn("https://errors.example.com/", "abc", ProjectId(7)), "https://abc@errors.example.com/7");
    }
}
