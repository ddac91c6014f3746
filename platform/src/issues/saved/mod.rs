//! Searches that have a name: somebody's own, or everybody's of an organisation or a project. The first ones come with Picket.

mod store;

use chrono::{DateTime, Utc};

use crate::{auth::UserId, organizations::OrganizationId, projects::ProjectId};

pub use store::{delete, find, insert, list, set_default, update};

/// A search with a name.
#[derive(Clone, Debug)]
pub struct Saved {
    pub id: i64,
    pub project: Option<ProjectId>,
    /// Whose it is; everybody's without.
    pub owner: Option<UserId>,
    pub name: String,
    pub query: String,
    pub sort: String,
    pub created_at: DateTime<Utc>,
    /// Whether it is what everybody finds first.
    pub is_default: bool,
    /// Whether it is what whoever asks finds first.
    pub is_user_default: bool,
}

/// Where searches are kept: in an organisation, or in one of its projects.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub organization: OrganizationId,
    pub project: Option<ProjectId>,
}

/// What a search is to be.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    pub name: &'a str,
    pub query: &'a str,
    pub sort: &'a str,
}

/// Those that come with Picket, as with Sentry.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("Unresolved Issues", "is:unresolved"),
    ("Needs Triage", "is:unresolved is:unassigned"),
    ("Assigned To Me", "is:unresolved assigned:me"),
    ("My Bookmarks", "is:unresolved bookmarks:me"),
    ("New Today", "is:unresolved age:-24h"),
];
