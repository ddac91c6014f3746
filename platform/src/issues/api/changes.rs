//! What clients decide about issues: `PUT` on one of them, or on those of a project or an organisation that are named or found.
//!
//! What is done to several answers with the names of actions, one by project, by which it can be undone: a header of our own.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use axum_extra::extract::Query;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    super::{
        By, IssueId, Status,
        lifecycle::{Decision, Fix, KNOWN_USERS, Limit, Resolution, Snooze},
        merging::{self, Merged},
        people::{self, Assigned, Mark},
        removal,
        search::Sort,
        undo::{self, Undone},
    },
    Scope, json as written,
    list::{find, given, understood},
    one_again,
};
use crate::{
    access::{IssueAccess, Membership, ProjectAccess},
    app::App,
    organizations::OrganizationId,
    projects::ProjectId,
    releases::{self, Release, order::newest},
    web::Error,
};

/// Names the actions that can be undone, with commas.
const ACTIONS: &str = "x-picket-actions";
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
    /// Somebody, or null or nothing for nobody.
    #[serde(deserialize_with = "sent")]
    assigned_to: Option<Value>,
    is_bookmarked: Option<bool>,
    is_subscribed: Option<bool>,
    has_seen: Option<bool>,
    is_public: Option<bool>,
}

/// A null that is sent is not the same as nothing.
fn sent<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
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

/// Which issues are meant: by their numbers, or all that a query finds.
#[derive(Deserialize)]
pub(super) struct Meant {
    #[serde(default)]
    id: Vec<i64>,
    #[serde(default, deserialize_with = "given")]
    query: Option<String>,
    status: Option<String>,
    #[serde(default)]
    environment: Vec<String>,
    #[serde(default)]
    project: Vec<i64>,
}

type ByProject = BTreeMap<ProjectId, Vec<IssueId>>;

impl Meant {
    /// The issues, by project.
    async fn find(&self, app: &App, scope: &Scope) -> Result<ByProject, Error> {
        let query = match (&self.query, &self.status) {
            _ if !self.id.is_empty() => {
                let ids: Vec<String> = self.id.iter().take(MOST).map(ToString::to_string).collect();
                format!("issue.id:[{}]", ids.join(","))
            }
            (None, None) => {
                return Err(Error::Invalid("Name issues with id, or find them with query or status.".into()));
            }
            (query, None) => query.clone().unwrap_or_default(),
            (query, Some(status)) => format!("is:{status} {}", query.as_deref().unwrap_or_default()),
        };
        let search = understood(&query)?.within(&self.environment);
        let found = find(app, scope, search, Sort::LastSeen, (None, MOST)).await?;
        let mut meant = ByProject::new();
        for issue in found.rows {
            meant.entry(issue.project_id).or_default().push(issue.id);
        }
        Ok(meant)
    }
}

pub(super) async fn change_one(
    State(app): State<App>,
    found: IssueAccess,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Value>, Error> {
    let IssueAccess { access, issue } = found;
    change(&app, &access.clone().into(), (issue.project_id, &[issue.id]), &wanted).await?;
    one_again(app, access, issue).await
}

pub(super) async fn change_in_project(
    State(app): State<App>,
    access: ProjectAccess,
    Query(meant): Query<Meant>,
    Json(wanted): Json<Wanted>,
) -> Result<Response, Error> {
    change_many(&app, &access.into(), &meant, &wanted).await
}

pub(super) async fn change_in_organization(
    State(app): State<App>,
    access: Membership,
    Query(meant): Query<Meant>,
    Json(wanted): Json<Wanted>,
) -> Result<Response, Error> {
    let scope = Scope::from(access).narrowed(&meant.project)?;
    change_many(&app, &scope, &meant, &wanted).await
}

async fn change_many(app: &App, scope: &Scope, meant: &Meant, wanted: &Wanted) -> Result<Response, Error> {
    let issues = meant.find(app, scope).await?;
    if issues.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    if wanted.merges() && issues.len() > 1 {
        return Err(Error::field("merge", "Only issues of one project can become one."));
    }
    let by = By { user: scope.user.id, at: app.now() };
    let mut done = Map::new();
    let mut actions: Vec<Uuid> = Vec::new();
    for (project, issues) in &issues {
        let before = undo::before(&app.db, by, *project, issues).await?;
        done = change(app, scope, (*project, issues), wanted).await?;
        actions.extend(undo::remember(&app.db, by, *project, before).await?);
    }
    let mut headers = HeaderMap::new();
    if !actions.is_empty() {
        let names: Vec<String> = actions.iter().map(ToString::to_string).collect();
        headers.insert(HeaderName::from_static(ACTIONS), HeaderValue::from_str(&names.join(","))?);
    }
    Ok((headers, Json(done)).into_response())
}

pub(super) async fn delete_one(State(app): State<App>, found: IssueAccess) -> Result<StatusCode, Error> {
    removal::delete(&app, found.access.project.id, &[found.issue.id]).await?;
    Ok(StatusCode::ACCEPTED)
}

pub(super) async fn delete_in_project(
    State(app): State<App>,
    access: ProjectAccess,
    Query(meant): Query<Meant>,
) -> Result<StatusCode, Error> {
    delete_many(&app, &access.into(), &meant).await
}

pub(super) async fn delete_in_organization(
    State(app): State<App>,
    access: Membership,
    Query(meant): Query<Meant>,
) -> Result<StatusCode, Error> {
    let scope = Scope::from(access).narrowed(&meant.project)?;
    delete_many(&app, &scope, &meant).await
}

async fn delete_many(app: &App, scope: &Scope, meant: &Meant) -> Result<StatusCode, Error> {
    for (project, issues) in meant.find(app, scope).await? {
        removal::delete(app, project, &issues).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
pub(super) struct UndoPath {
    actions: String,
}

/// Ours alone: takes back what was done to several issues, once.
pub(super) async fn undo(
    State(app): State<App>,
    access: Membership,
    Path(path): Path<UndoPath>,
) -> Result<Json<Value>, Error> {
    let by = By { user: access.visitor.user.id, at: app.now() };
    let mut restored = None;
    for action in path.actions.split(',') {
        let action = action.parse().map_err(|_| Error::NotFound)?;
        if let Undone::Done(issues) = undo::undo(&app, by, access.organization.id, action).await? {
            restored = Some(restored.unwrap_or(0) + issues);
        }
    }
    restored.map(|issues| Json(json!({ "restored": issues }))).ok_or(Error::NotFound)
}

/// Does what is wanted and answers with it, as Sentry does.
async fn change(
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
        super::super::decide(&app.db, by, project, issues, &decision).await?;
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
    fn merges(&self) -> bool {
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
