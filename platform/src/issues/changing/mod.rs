//! What somebody wants of issues, as clients and pages say it, and doing it.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    By, IssueId, Status,
    api::{Scope, json as written},
    lifecycle::{Decision, Fix, KNOWN_USERS, Limit, Resolution, Snooze},
    merging::{self, Merged},
    people::{self, Assigned, Mark},
    removal, undo,
};
use crate::{
    app::App,
    organizations::OrganizationId,
    projects::ProjectId,
    releases::{self, Release, order::newest},
    web::Error,
};

/// A week, in minutes: Sentry's longest window.
const LONGEST_WINDOW: u32 = 7 * 24 * 60;

/// What is wanted. Fields we do not know yet are left alone.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Wanted {
    pub status: Option<String>,
    pub status_details: Option<Details>,
    /// Minutes; sentry-cli's way to say `ignoreDuration`.
    pub snooze_duration: Option<u32>,
    pub ignore_duration: Option<u32>,
    /// Anything that is true: the issues become one.
    pub merge: Option<Value>,
    pub discard: Option<bool>,
    /// Somebody, or null or nothing for nobody.
    #[serde(deserialize_with = "sent")]
    pub assigned_to: Option<Value>,
    pub is_bookmarked: Option<bool>,
    pub is_subscribed: Option<bool>,
    pub has_seen: Option<bool>,
    pub is_public: Option<bool>,
}

/// A null that is sent is not the same as nothing.
fn sent<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

/// Of a status.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Details {
    pub in_next_release: Option<bool>,
    /// A version, or `latest`.
    pub in_release: Option<String>,
    pub in_commit: Option<Commit>,
    /// Minutes, as the windows are.
    pub ignore_duration: Option<u32>,
    pub ignore_until: Option<DateTime<Utc>>,
    pub ignore_count: Option<usize>,
    pub ignore_window: Option<u32>,
    pub ignore_user_count: Option<usize>,
    pub ignore_user_window: Option<u32>,
}

/// A commit that has the fix.
#[derive(Deserialize)]
pub struct Commit {
    pub commit: String,
    #[serde(default)]
    pub repository: String,
}

/// Issues, by project.
pub type ByProject = BTreeMap<ProjectId, Vec<IssueId>>;

/// Does what is wanted to issues of several projects, so that it can be taken back; answers as Sentry does, and with the names
/// of the actions.
pub async fn change_all(
    app: &App,
    scope: &Scope,
    issues: &ByProject,
    wanted: &Wanted,
) -> Result<(Map<String, Value>, Vec<Uuid>), Error> {
    if wanted.merges() && issues.len() > 1 {
        return Err(Error::field("merge", "Only issues of one project can become one."));
    }
    let by = By { user: scope.user.id, at: app.now() };
    let mut done = Map::new();
    let mut actions: Vec<Uuid> = Vec::new();
    for (project, issues) in issues {
        let before = undo::before(&app.db, by, *project, issues).await?;
        done = change(app, scope, (*project, issues), wanted).await?;
        actions.extend(undo::remember(&app.db, by, *project, before).await?);
    }
    Ok((done, actions))
}

/// Does what is wanted and answers with it, as Sentry does.
pub async fn change(
    app: &App,
    scope: &Scope,
    (project, issues): (ProjectId, &[IssueId]),
    wanted: &Wanted,
) -> Result<Map<String, Value>, Error> {
    let by = By { user: scope.user.id, at: app.now() };
    let decision = wanted.decision(app, project, by.at).await?;
    let assigned = wanted.assigned(app, scope.organization.id).await?;
    let mut done = Map::new();
    if let Some(decision) = decision {
        super::decide(&app.db, by, project, issues, &decision).await?;
        people::subscribe(&app.db, by, project, issues, "status_change").await?;
        done.insert("status".into(), json!(decision.status().name()));
        done.insert("statusDetails".into(), decision.details());
    }
    if let Some(assigned) = assigned {
        people::assign(&app.db, by, project, issues, assigned.as_ref()).await?;
        done.insert("assignedTo".into(), json!(assigned.as_ref().map(written::assigned)));
    }
    for (name, mark, set) in [
        ("isBookmarked", Mark::Bookmark, wanted.is_bookmarked),
        ("isSubscribed", Mark::Subscription, wanted.is_subscribed),
        ("hasSeen", Mark::Seen, wanted.has_seen),
    ] {
        let Some(set) = set else { continue };
        people::mark(&app.db, by, project, issues, (mark, set.into())).await?;
        done.insert(name.into(), json!(set));
    }
    if let Some(set) = wanted.is_public {
        people::share(&app.db, by, project, issues, set.into()).await?;
        done.insert("isPublic".into(), json!(set));
    }
    if wanted.merges() {
        done.insert("merge".into(), merge(app, by, project, issues).await?);
    }
    if wanted.discard == Some(true) {
        removal::discard(app, by, project, issues).await?;
        done.insert("discard".into(), json!(true));
    }
    Ok(done)
}

async fn merge(app: &App, by: By, project: ProjectId, issues: &[IssueId]) -> Result<Value, Error> {
    let Merged::Done { parent, children } = merging::merge(app, by, project, issues).await? else {
        return Err(Error::field("merge", "Name at least two issues of the project."));
    };
    let children: Vec<String> = children.iter().map(|child| child.0.to_string()).collect();
    Ok(json!({ "parent": parent.0.to_string(), "children": children }))
}

impl Wanted {
    /// Whether the issues are to become one.
    pub fn merges(&self) -> bool {
        self.merge.as_ref().is_some_and(|merge| !matches!(merge, Value::Null | Value::Bool(false)))
    }

    /// Whom the issues are given to, where anything is said about it.
    async fn assigned(&self, app: &App, organization: OrganizationId) -> Result<Option<Option<Assigned>>, Error> {
        let name = match &self.assigned_to {
            None => return Ok(None),
            Some(Value::Null) => return Ok(Some(None)),
            Some(Value::String(name)) if name.is_empty() => return Ok(Some(None)),
            Some(Value::String(name)) => name.clone(),
            Some(Value::Object(actor)) => {
                let text = |name: &str| actor.get(name).and_then(Value::as_str).unwrap_or_default();
                format!("{}:{}", text("type"), text("id"))
            }
            Some(other) => other.to_string(),
        };
        let found = people::find_assignee(&app.db, organization, &name).await?;
        found.map(|found| Some(Some(found))).ok_or_else(|| Error::field("assignedTo", "Unknown actor input"))
    }

    async fn decision(&self, app: &App, project: ProjectId, at: DateTime<Utc>) -> Result<Option<Decision>, Error> {
        let Some(status) = self.status.as_deref() else { return Ok(None) };
        let nothing = Details::default();
        let details = self.status_details.as_ref().unwrap_or(&nothing);
        let decision = match (status, Status::parse(status)) {
            ("resolvedInNextRelease", _) => resolved(at, next_release(app, project).await?),
            (_, Some(Status::Resolved)) => resolved(at, details.fix(app, project).await?),
            (_, Some(Status::Ignored)) => Decision::Ignored(self.snooze(details, at)?),
            (_, Some(Status::Unresolved)) => Decision::Unresolved,
            (_, None) => return Err(Error::field("status", format!("\"{status}\" is not a valid choice."))),
        };
        Ok(Some(decision))
    }

    fn snooze(&self, details: &Details, at: DateTime<Utc>) -> Result<Snooze, Error> {
        let minutes = details.ignore_duration.or(self.ignore_duration).or(self.snooze_duration);
        let until = details.ignore_until.or(minutes.map(|minutes| at + TimeDelta::minutes(minutes.into())));
        let limit = |most: Option<usize>, minutes: Option<u32>, name: &str| match (most, minutes) {
            (Some(0), _) => Err(Error::field(name, "Ensure this value is greater than or equal to 1.")),
            (_, Some(window)) if window == 0 || window > LONGEST_WINDOW => {
                Err(Error::field(name, format!("Ensure the window is between 1 and {LONGEST_WINDOW} minutes.")))
            }
            (most, minutes) => Ok(most.map(|most| Limit { most, minutes })),
        };
        let users = limit(details.ignore_user_count, details.ignore_user_window, "ignoreUserCount")?;
        let is_known = |limit: Limit| i64::try_from(limit.most).is_ok_and(|most| most <= KNOWN_USERS);
        if users.is_some_and(|limit| limit.minutes.is_some() && !is_known(limit)) {
            return Err(Error::field(
                "ignoreUserCount",
                format!("At most {KNOWN_USERS} users can be told apart in a window."),
            ));
        }
        Ok(Snooze {
            at,
            until,
            times: limit(details.ignore_count, details.ignore_window, "ignoreCount")?,
            users,
            users_before: None,
        })
    }
}

impl Details {
    async fn fix(&self, app: &App, project: ProjectId) -> Result<Fix, Error> {
        if self.in_next_release == Some(true) {
            return next_release(app, project).await;
        }
        if let Some(Commit { commit, repository }) = &self.in_commit {
            return Ok(Fix::InCommit { commit: commit.clone(), repository: repository.clone() });
        }
        let release = match self.in_release.as_deref() {
            None => return Ok(Fix::Now),
            Some("latest") => newest(releases::store::latest(&app.db, project).await?),
            Some(version) => releases::store::find(&app.db, project, &[version]).await?.pop(),
        };
        let unknown = || Error::field("inRelease", "Unable to find a release with the given version.");
        Ok(Fix::InRelease { release: release.ok_or_else(unknown)? })
    }
}

async fn next_release(app: &App, project: ProjectId) -> Result<Fix, Error> {
    let latest: Option<Release> = newest(releases::store::latest(&app.db, project).await?);
    let none =
        || Error::field("inNextRelease", "No release data present in the system to form a basis for 'Next Release'");
    Ok(Fix::NextRelease { after: latest.ok_or_else(none)? })
}

fn resolved(at: DateTime<Utc>, fix: Fix) -> Decision {
    Decision::Resolved(Resolution { at, fix })
}
