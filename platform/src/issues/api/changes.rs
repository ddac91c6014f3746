//! What clients decide about issues: `PUT` on one of them, or on those of a project that are named or found.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use axum_extra::extract::Query;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    super::{
        By, IssueId, Status,
        lifecycle::{Decision, Fix, KNOWN_USERS, Limit, Resolution, Snooze},
        merging::{self, Merged},
        removal,
        search::{self, Misunderstood, Search},
    },
    IssueJson, one,
};
use crate::{
    access::{IssueAccess, ProjectAccess},
    app::App,
    projects::ProjectId,
    releases::{self, Release, order::newest},
    web::Error,
};

/// As many issues are changed at once.
const MOST: usize = 1000;
/// A week, in minutes: Sentry's longest window.
const LONGEST_WINDOW: u32 = 7 * 24 * 60;

/// What is wanted. Fields we do not know yet are left alone.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Wanted {
    status: Option<String>,
    status_details: Option<Details>,
    /// Minutes; sentry-cli's way to say `ignoreDuration`.
    snooze_duration: Option<u32>,
    ignore_duration: Option<u32>,
    /// Anything that is true: the issues become one.
    merge: Option<Value>,
    discard: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Details {
    in_next_release: Option<bool>,
    /// A version, or `latest`.
    in_release: Option<String>,
    in_commit: Option<Commit>,
    /// Minutes, as the windows are.
    ignore_duration: Option<u32>,
    ignore_until: Option<DateTime<Utc>>,
    ignore_count: Option<usize>,
    ignore_window: Option<u32>,
    ignore_user_count: Option<usize>,
    ignore_user_window: Option<u32>,
}

#[derive(Deserialize)]
struct Commit {
    commit: String,
    #[serde(default)]
    repository: String,
}

/// Which issues of a project are meant: by their numbers, or all that a query finds.
#[derive(Deserialize)]
pub(super) struct Meant {
    #[serde(default)]
    id: Vec<i64>,
    query: Option<String>,
    status: Option<String>,
}

impl Meant {
    async fn find(self, app: &App, project: ProjectId) -> Result<Vec<IssueId>, Error> {
        if !self.id.is_empty() {
            return Ok(self.id.into_iter().take(MOST).map(IssueId).collect());
        }
        let query = match (self.query, self.status) {
            (None, None) => {
                return Err(Error::Invalid("Name issues with id, or find them with query or status.".into()));
            }
            (query, None) => query.unwrap_or_default(),
            (query, Some(status)) => format!("is:{status} {}", query.unwrap_or_default()),
        };
        let search = Search::parse(&query)
            .map_err(|Misunderstood(why)| Error::Invalid(format!("Error parsing search query: {why}")))?;
        let found = search::find(&app.db, project, &search, None, MOST).await?;
        Ok(found.rows.iter().map(|issue| issue.id).collect())
    }
}

pub(super) async fn change_one(
    State(app): State<App>,
    found: IssueAccess,
    Json(wanted): Json<Wanted>,
) -> Result<Json<IssueJson>, Error> {
    change(&app, &found.access, &[found.issue.id], &wanted).await?;
    if wanted.discard == Some(true) {
        return one(State(app), found).await;
    }
    let issue = super::store::find(&app.db, found.access.project.id, found.issue.id).await?.ok_or(Error::NotFound)?;
    one(State(app), IssueAccess { issue, ..found }).await
}

pub(super) async fn change_many(
    State(app): State<App>,
    access: ProjectAccess,
    Query(meant): Query<Meant>,
    Json(wanted): Json<Wanted>,
) -> Result<Response, Error> {
    let issues = meant.find(&app, access.project.id).await?;
    if issues.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(Json(change(&app, &access, &issues, &wanted).await?).into_response())
}

pub(super) async fn delete_one(State(app): State<App>, found: IssueAccess) -> Result<StatusCode, Error> {
    removal::delete(&app, found.access.project.id, &[found.issue.id]).await?;
    Ok(StatusCode::ACCEPTED)
}

pub(super) async fn delete_many(
    State(app): State<App>,
    access: ProjectAccess,
    Query(meant): Query<Meant>,
) -> Result<StatusCode, Error> {
    let issues = meant.find(&app, access.project.id).await?;
    removal::delete(&app, access.project.id, &issues).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Does what is wanted and answers with it, as Sentry does.
async fn change(
    app: &App,
    access: &ProjectAccess,
    issues: &[IssueId],
    wanted: &Wanted,
) -> Result<Map<String, Value>, Error> {
    let by = By { user: access.user.id, at: app.now() };
    let mut done = Map::new();
    if let Some(decision) = wanted.decision(app, access.project.id, by.at).await? {
        super::super::decide(&app.db, by, access.project.id, issues, &decision).await?;
        done.insert("status".into(), json!(decision.status().name()));
        done.insert("statusDetails".into(), decision.details());
    }
    if wanted.merge.as_ref().is_some_and(|merge| !matches!(merge, Value::Null | Value::Bool(false))) {
        let Merged::Done { parent, children } = merging::merge(app, by, access.project.id, issues).await? else {
            return Err(Error::field("merge", "Name at least two issues of the project."));
        };
        let children: Vec<String> = children.iter().map(|child| child.0.to_string()).collect();
        done.insert("merge".into(), json!({ "parent": parent.0.to_string(), "children": children }));
    }
    if wanted.discard == Some(true) {
        removal::discard(app, by, access.project.id, issues).await?;
        done.insert("discard".into(), json!(true));
    }
    Ok(done)
}

impl Wanted {
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
