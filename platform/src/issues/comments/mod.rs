//! What people write about an issue: Markdown, kept as it was written.

pub mod markdown;
mod store;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgPool;

use super::{By, Issue, people};
use crate::{auth::UserId, organizations::OrganizationId};
use markdown::Names;

pub use store::{edit, list, remove};

/// What somebody wrote.
#[derive(Clone, Debug)]
pub struct Comment {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub user: Option<UserId>,
    pub email: Option<String>,
    pub data: Value,
}

/// Characters of a comment.
pub const LONGEST: usize = 50_000;

/// Who can be mentioned in an organisation.
pub async fn names(db: &PgPool, organization: OrganizationId) -> Result<Names> {
    let mut names = Names::default();
    for person in people::members(db, organization).await.context("listing members")? {
        let email = person.email.to_lowercase();
        let before_at = email.split('@').next().unwrap_or_default().to_owned();
        let name = person.name.to_lowercase().replace(' ', "");
        for known in [email, before_at, name] {
            if !known.is_empty() && !names.people.iter().any(|(other, _)| *other == known) {
                names.people.push((known, person.id.0));
            }
        }
    }
    let teams = people::teams(db, organization).await.context("listing teams")?;
    names.teams = teams.into_iter().map(|team| (team.slug.to_lowercase(), team.id)).collect();
    Ok(names)
}

/// Writes a comment. Whoever wrote it, and whoever it mentions, is told of what happens to the issue.
pub async fn write(
    db: &PgPool,
    by: By,
    (organization, issue): (OrganizationId, &Issue),
    text: &str,
) -> Result<Comment> {
    let comment = store::insert(db, by, issue, text).await.context("saving a comment")?;
    people::subscribe(db, by, issue.project_id, &[issue.id], "comment").await?;
    let mentioned = names(db, organization).await?.mentioned(text);
    let of_teams = people::of_teams(db, &mentioned.teams).await.context("listing members of teams")?;
    for (people, reason) in [(mentioned.people, "mentioned"), (of_teams, "team_mentioned")] {
        for user in people {
            let who = By { user: UserId(user), at: by.at };
            people::subscribe(db, who, issue.project_id, &[issue.id], reason).await?;
        }
    }
    Ok(comment)
}
