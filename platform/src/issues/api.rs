//! Sentry's Web API v0 of issues: the lists of a project and of an organisation, and one issue.
//!
//! Field names and shapes are those of Sentry's `StreamGroupSerializer` and `GroupSerializer`. What is ours alone says so: the
//! suggestions for a search, and undoing.

mod changes;
pub(super) mod comments;
pub(super) mod json;
mod list;
mod merges;
pub(super) mod saved;
mod suggestions;
mod tags;

use axum::{
    Json, Router,
    extract::State,
    routing::{delete, get, post, put},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::{Activity, Issue, people, search::problem::Problem, store, tags as counted};
use crate::{
    access::{IssueAccess, Membership, ProjectAccess},
    app::App,
    auth::User,
    organizations::Organization,
    permissions::Scope::{OrgWrite, ProjectWrite},
    projects::{Project, ProjectId},
    ui::Language,
    web::{Error, api_route},
};

/// The routes of this slice.
pub fn routes() -> Router<App> {
    of_issues(of_projects(of_organizations(Router::new())))
}

fn of_organizations(mut router: Router<App>) -> Router<App> {
    let many = get(list::of_organization).put(changes::change_in_organization).delete(changes::delete_in_organization);
    for (path, methods) in [
        ("issues/", many),
        ("undo/{actions}/", post(changes::undo)),
        ("shortids/{name}/", get(list::by_name)),
        ("searches/", get(saved::list_of_organization).post(saved::save_in_organization)),
        (
            "searches/{search}/",
            get(saved::one_of_organization).put(saved::change_in_organization).delete(saved::delete_in_organization),
        ),
        ("search-suggestions/", get(suggestions::suggest)),
        ("tags/", get(tags::of_organization)),
        ("tags/{tag}/values/", get(tags::values_of_organization)),
    ] {
        router = api_route(router, &format!("/api/0/organizations/{{org}}/{path}"), methods);
    }
    router
}

fn of_projects(mut router: Router<App>) -> Router<App> {
    let many = get(list::of_project).put(changes::change_in_project).delete(changes::delete_in_project);
    for (path, methods) in [
        ("issues/", many),
        ("searches/", get(saved::list_of_project).post(saved::save_in_project)),
        (
            "searches/{search}/",
            get(saved::one_of_project).put(saved::change_in_project).delete(saved::delete_in_project),
        ),
        ("tags/", get(tags::of_project)),
        ("tags/{tag}/", get(tags::one_of_project).delete(tags::delete_of_project)),
        ("tags/{tag}/values/", get(tags::values_of_project)),
        ("tombstones/", get(merges::tombstones)),
        ("tombstones/{tombstone}/", delete(merges::bring_back)),
    ] {
        router = api_route(router, &format!("/api/0/projects/{{org}}/{{project}}/{path}"), methods);
    }
    router
}

fn of_issues(mut router: Router<App>) -> Router<App> {
    for issue in ["/api/0/issues/{issue}/", "/api/0/organizations/{org}/issues/{issue}/"] {
        let comments = || get(comments::list).post(comments::write);
        let comment = || put(comments::edit).delete(comments::remove);
        for (path, methods) in [
            ("", get(one).put(changes::change_one).delete(changes::delete_one)),
            ("hashes/", get(merges::hashes).delete(merges::unmerge)),
            ("activities/", get(activity)),
            ("comments/", comments()),
            ("notes/", comments()),
            ("comments/{comment}/", comment()),
            ("notes/{comment}/", comment()),
            ("participants/", get(participants)),
            ("tags/", get(tags::of_issue)),
            ("tags/{tag}/", get(tags::one_of_issue)),
            ("tags/{tag}/values/", get(tags::values_of_issue)),
        ] {
            router = api_route(router, &format!("{issue}{path}"), methods);
        }
    }
    router
}

/// Who asks, and about which projects.
#[derive(Clone)]
pub(crate) struct Scope {
    pub user: User,
    pub organization: Organization,
    pub projects: Vec<Project>,
    /// Whether they may decide for everybody, of the project or of the organisation.
    pub decides: bool,
    /// Whether they may decide for everybody of the organisation.
    pub decides_for_organization: bool,
}

impl From<ProjectAccess> for Scope {
    fn from(access: ProjectAccess) -> Scope {
        let ProjectAccess { user, organization, project, scopes, .. } = access;
        let (decides, decides_for_organization) = (scopes.has(ProjectWrite), scopes.has(OrgWrite));
        Scope { user, organization, projects: vec![project], decides, decides_for_organization }
    }
}

impl From<Membership> for Scope {
    fn from(access: Membership) -> Scope {
        let Membership { visitor, organization, projects, scopes, .. } = access;
        let decides = scopes.has(OrgWrite);
        Scope { user: visitor.user, organization, projects, decides, decides_for_organization: decides }
    }
}

impl Scope {
    /// The projects' numbers.
    pub fn numbers(&self) -> Vec<i64> {
        self.projects.iter().map(|project| project.id.0).collect()
    }

    /// One of the projects.
    pub fn project(&self, id: ProjectId) -> Option<&Project> {
        self.projects.iter().find(|project| project.id == id)
    }

    /// Only the projects that are named, where any is; -1 is Sentry's way to name all.
    fn narrowed(mut self, named: &[i64]) -> Result<Scope, Error> {
        if named.is_empty() || named.contains(&-1) {
            return Ok(self);
        }
        self.projects.retain(|project| named.contains(&project.id.0));
        if self.projects.is_empty() { Err(Error::Forbidden) } else { Ok(self) }
    }
}

async fn one(State(app): State<App>, found: IssueAccess) -> Result<Json<Value>, Error> {
    let IssueAccess { access, issue } = found;
    let project = access.project.id;
    let mut detail =
        json::written(&app, &access.clone().into(), std::slice::from_ref(&issue), json::Series::Detail).await?;
    let Some(Value::Object(mut detail)) = detail.pop() else { return Err(Error::NotFound) };
    let activity = store::activity(&app.db, project, issue.id).await?;
    let participants = people::participants(&app.db, &issue).await?;
    let viewers = people::viewers(&app.db, &issue).await?;
    let seen_by = viewers.iter().map(|(person, at)| {
        let mut person = json::person(person);
        person["lastSeen"] = json!(timestamp(*at));
        person
    });
    let releases = counted::values_of_issue(&app.db, &issue, "release", (0, 1000)).await?;
    let first = releases.iter().min_by_key(|release| release.first_seen);
    let last = releases.iter().max_by_key(|release| release.last_seen);
    let release = |value: Option<&counted::Value>| {
        value.map(|value| json!({ "version": value.value, "shortVersion": value.value }))
    };
    detail.insert("activity".into(), activity.iter().map(written).collect());
    detail.insert("participants".into(), participants.iter().map(json::person).collect());
    detail.insert("seenBy".into(), seen_by.collect());
    detail.insert("firstRelease".into(), json!(release(first)));
    detail.insert("lastRelease".into(), json!(release(last)));
    detail.insert("tags".into(), tags::keys(&app, &issue).await?);
    for nothing in ["pluginActions", "pluginContexts", "pluginIssues"] {
        detail.insert(nothing.into(), json!([]));
    }
    Ok(Json(Value::Object(detail)))
}

async fn activity(State(app): State<App>, found: IssueAccess) -> Result<Json<Value>, Error> {
    let activity = store::activity(&app.db, found.access.project.id, found.issue.id).await?;
    Ok(Json(json!({ "activity": activity.iter().map(written).collect::<Vec<_>>() })))
}

async fn participants(State(app): State<App>, found: IssueAccess) -> Result<Json<Value>, Error> {
    let participants = people::participants(&app.db, &found.issue).await?;
    Ok(Json(participants.iter().map(json::person).collect()))
}

fn written(activity: &Activity) -> Value {
    let user = activity.user.map(|user| json!({ "id": user.0.to_string(), "email": activity.email }));
    json!({
        "id": activity.id.to_string(), "type": activity.kind, "user": user, "data": activity.data,
        "dateCreated": timestamp(activity.at),
    })
}

/// What is wrong with a query, in words, and where.
pub fn misunderstood(query: &str, problem: &Problem) -> Error {
    let at = problem.characters(query);
    let text = problem.text(Language::English);
    Error::Invalid(format!("Error parsing search query: {text} (characters {} to {})", at.start, at.end))
}

/// A search that was stopped.
pub fn too_slow() -> Error {
    let what_to_do = "Ask for less: of a project, a time, or is:unresolved.";
    Error::Invalid(format!("The search took too long and was stopped. {what_to_do}"))
}

/// Clients refuse an offset other than `Z`.
fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The issue as an issue's PUT answers it.
async fn one_again(app: App, access: ProjectAccess, issue: Issue) -> Result<Json<Value>, Error> {
    let found = super::store::find(&app.db, access.project.id, issue.id).await?.unwrap_or(issue);
    one(State(app), IssueAccess { access, issue: found }).await
}
