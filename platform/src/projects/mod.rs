//! Projects: what an application reports to, and the keys it reports with.

pub mod store;

use crate::organizations::OrganizationId;

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

/// The DSN an SDK is configured with; `url_prefix` is where the platform is reached.
pub fn dsn(url_prefix: &str, public_key: &str, project: ProjectId) -> String {
    let (scheme, host) = url_prefix.trim_end_matches('/').split_once("://").unwrap_or(("http", url_prefix));
    format!("{scheme}://{public_key}@{host}/{}", project.0)
}
