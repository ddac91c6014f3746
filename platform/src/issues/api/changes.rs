//! What clients decide about issues: `PUT` on one of them, or on those of a project or an organisation that are named or found.
//!
//! What is done to several answers with the names of actions, one by project, by which it can be undone: a header of our own.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use axum_extra::extract::Query;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{
        By,
        changing::{ByProject, Wanted, change, change_all},
        removal,
        search::Sort,
        undo::{self, Undone},
    },
    Scope,
    list::{find, given, understood},
    one_again,
};
use crate::{
    access::{IssueAccess, Membership, ProjectAccess},
    app::App,
    web::Error,
};

/// Names the actions that can be undone, with commas.
const ACTIONS: &str = "x-picket-actions";
/// As many issues are changed at once.
const MOST: usize = 1000;

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
    let (done, actions) = change_all(app, scope, &issues, wanted).await?;
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
