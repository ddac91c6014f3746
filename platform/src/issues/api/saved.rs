//! Saved searches, of an organisation and of a project.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{
        saved::{self, BUILT_IN, Place, Saved, Wanted},
        search::Sort,
    },
    Scope,
    list::understood,
    timestamp,
};
use crate::{
    access::{Membership, ProjectAccess},
    app::App,
    web::Error,
};

/// Characters of a query, and of a name.
const LONGEST: usize = 4096;
const LONGEST_NAME: usize = 128;

/// A search that is to be saved or changed.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    pub name: Option<String>,
    pub query: Option<String>,
    pub sort: Option<String>,
    /// What everybody finds first: for those who decide about the organisation.
    #[serde(default)]
    pub is_default: bool,
    #[serde(default)]
    pub is_user_default: bool,
    /// `organization` or `owner`, Sentry's words for everybody and oneself.
    pub visibility: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct SearchPath {
    search: i64,
}

/// Who asks where.
pub struct Asker {
    pub scope: Scope,
    pub place: Place,
}

impl From<Membership> for Asker {
    fn from(access: Membership) -> Asker {
        let place = Place { organization: access.organization.id, project: None };
        Asker { scope: access.into(), place }
    }
}

impl From<ProjectAccess> for Asker {
    fn from(access: ProjectAccess) -> Asker {
        let place = Place { organization: access.organization.id, project: Some(access.project.id) };
        Asker { scope: access.into(), place }
    }
}

impl Scope {
    /// One's own, and everybody's of what one decides about: a project's admin does not about the organisation.
    pub fn may_change(&self, saved: &Saved) -> bool {
        let decides = if saved.project.is_some() { self.decides } else { self.decides_for_organization };
        saved.owner == Some(self.user.id) || decides
    }
}

impl Asker {
    /// A search they may change.
    async fn own(&self, app: &App, id: i64) -> Result<Saved, Error> {
        let saved = self.find(app, id).await?;
        if self.scope.may_change(&saved) { Ok(saved) } else { Err(Error::Forbidden) }
    }

    async fn find(&self, app: &App, id: i64) -> Result<Saved, Error> {
        saved::find(&app.db, self.place, self.scope.user.id, id).await?.ok_or(Error::NotFound)
    }
}

pub(super) async fn list_of_organization(State(app): State<App>, access: Membership) -> Result<Json<Value>, Error> {
    list(&app, &access.into()).await
}

pub(super) async fn list_of_project(State(app): State<App>, access: ProjectAccess) -> Result<Json<Value>, Error> {
    list(&app, &access.into()).await
}

async fn list(app: &App, asker: &Asker) -> Result<Json<Value>, Error> {
    let searches = saved::list(&app.db, asker.place, asker.scope.user.id).await?;
    let has_default = searches.iter().any(|saved| saved.is_default || saved.is_user_default);
    let built_in = BUILT_IN.iter().enumerate().map(|(nth, (name, query))| {
        // Numbers below zero are nobody else's; the first is what one finds where nobody said anything else.
        json!({
            "id": format!("-{}", nth + 1), "name": name, "query": query, "sort": "date", "type": 0, "isGlobal": true,
            "isDefault": nth == 0 && !has_default, "isUserDefault": false, "isPrivate": false, "isOrgCustom": false,
            "isPinned": false, "visibility": "organization", "dateCreated": null,
        })
    });
    Ok(Json(built_in.chain(searches.iter().map(written)).collect()))
}

fn written(saved: &Saved) -> Value {
    let is_private = saved.owner.is_some();
    json!({
        "id": saved.id.to_string(), "name": saved.name, "query": saved.query, "sort": saved.sort, "type": 0,
        "isGlobal": false, "isDefault": saved.is_default, "isUserDefault": saved.is_user_default, "isPrivate": is_private,
        "isOrgCustom": !is_private, "isPinned": false, "visibility": if is_private { "owner" } else { "organization" },
        "projectId": saved.project.map(|project| project.0.to_string()), "dateCreated": timestamp(saved.created_at),
    })
}

pub(super) async fn one_of_organization(
    State(app): State<App>,
    access: Membership,
    Path(path): Path<SearchPath>,
) -> Result<Json<Value>, Error> {
    Ok(Json(written(&Asker::from(access).find(&app, path.search).await?)))
}

pub(super) async fn one_of_project(
    State(app): State<App>,
    access: ProjectAccess,
    Path(path): Path<SearchPath>,
) -> Result<Json<Value>, Error> {
    Ok(Json(written(&Asker::from(access).find(&app, path.search).await?)))
}

pub(super) async fn save_in_organization(
    State(app): State<App>,
    access: Membership,
    Json(sent): Json<Sent>,
) -> Result<(StatusCode, Json<Value>), Error> {
    save(&app, &access.into(), &sent).await
}

pub(super) async fn save_in_project(
    State(app): State<App>,
    access: ProjectAccess,
    Json(sent): Json<Sent>,
) -> Result<(StatusCode, Json<Value>), Error> {
    save(&app, &access.into(), &sent).await
}

/// Saves a search.
pub async fn save(app: &App, asker: &Asker, sent: &Sent) -> Result<(StatusCode, Json<Value>), Error> {
    let required = |name: &str| Error::field(name, "This field is required.");
    let name = sent.name.as_deref().ok_or_else(|| required("name"))?;
    let query = sent.query.as_deref().ok_or_else(|| required("query"))?;
    let wanted = checked(name, query, sent.sort.as_deref().unwrap_or("date"))?;
    // Everybody's need somebody who decides; who does not saves for themselves.
    let is_for_all = sent.visibility.as_deref() == Some("organization") || sent.is_default;
    if is_for_all && !asker.scope.decides {
        return Err(Error::Forbidden);
    }
    let owner = Some(asker.scope.user.id).filter(|_| !is_for_all);
    let id = saved::insert(&app.db, asker.place, owner, &wanted, app.now()).await?;
    let id = id.ok_or_else(|| Error::field("name", format!("Query {name} already exists")))?;
    set_defaults(app, asker, sent, id).await?;
    Ok((StatusCode::CREATED, Json(written(&asker.find(app, id).await?))))
}

async fn set_defaults(app: &App, asker: &Asker, sent: &Sent, id: i64) -> Result<(), Error> {
    if sent.is_default {
        saved::set_default(&app.db, asker.place, None, id).await?;
    }
    if sent.is_user_default {
        saved::set_default(&app.db, asker.place, Some(asker.scope.user.id), id).await?;
    }
    Ok(())
}

fn checked<'a>(name: &'a str, query: &'a str, sort: &'a str) -> Result<Wanted<'a>, Error> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.contains('\0') {
        return Err(Error::field("name", format!("A name has 1 to {LONGEST_NAME} characters.")));
    }
    if query.chars().count() > LONGEST || query.contains('\0') {
        return Err(Error::field("query", format!("A query has at most {LONGEST} characters.")));
    }
    understood(query)?;
    Sort::parse(sort).ok_or_else(|| Error::field("sort", format!("\"{sort}\" is not a valid choice.")))?;
    Ok(Wanted { name, query, sort })
}

pub(super) async fn change_in_organization(
    State(app): State<App>,
    access: Membership,
    Path(path): Path<SearchPath>,
    Json(sent): Json<Sent>,
) -> Result<Json<Value>, Error> {
    change(&app, &access.into(), path.search, &sent).await
}

pub(super) async fn change_in_project(
    State(app): State<App>,
    access: ProjectAccess,
    Path(path): Path<SearchPath>,
    Json(sent): Json<Sent>,
) -> Result<Json<Value>, Error> {
    change(&app, &access.into(), path.search, &sent).await
}

async fn change(app: &App, asker: &Asker, id: i64, sent: &Sent) -> Result<Json<Value>, Error> {
    let is_changed = sent.name.is_some() || sent.query.is_some() || sent.sort.is_some();
    let saved = if is_changed { asker.own(app, id).await? } else { asker.find(app, id).await? };
    if sent.is_default && !asker.scope.decides {
        return Err(Error::Forbidden);
    }
    if is_changed {
        let or = |new: &Option<String>, old: &str| new.clone().unwrap_or_else(|| old.to_owned());
        let (name, query, sort) =
            (or(&sent.name, &saved.name), or(&sent.query, &saved.query), or(&sent.sort, &saved.sort));
        match saved::update(&app.db, id, &checked(&name, &query, &sort)?).await {
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                return Err(Error::field("name", format!("Query {name} already exists")));
            }
            done => done?,
        }
    }
    set_defaults(app, asker, sent, id).await?;
    Ok(Json(written(&asker.find(app, id).await?)))
}

pub(super) async fn delete_in_organization(
    State(app): State<App>,
    access: Membership,
    Path(path): Path<SearchPath>,
) -> Result<StatusCode, Error> {
    delete(&app, &access.into(), path.search).await
}

pub(super) async fn delete_in_project(
    State(app): State<App>,
    access: ProjectAccess,
    Path(path): Path<SearchPath>,
) -> Result<StatusCode, Error> {
    delete(&app, &access.into(), path.search).await
}

/// Deletes a search.
pub async fn delete(app: &App, asker: &Asker, id: i64) -> Result<StatusCode, Error> {
    asker.own(app, id).await?;
    saved::delete(&app.db, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
