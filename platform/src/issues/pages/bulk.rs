//! What is done to several issues of a list at once, and taking it back.

use axum::{extract::State, response::Redirect};
use axum_extra::extract::Form;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    app::App,
    issues::{
        By,
        changing::{ByProject, Wanted, change_all},
        removal,
        search::{self, DEFAULT_QUERY, Found, Question, Search},
        undo::{self, Undone},
    },
    web::Error,
};

use super::{asked::Asked, place::Place};

/// As many issues are changed at once.
const MOST: usize = 1000;

#[derive(Deserialize)]
pub(super) struct Sent {
    #[serde(default)]
    act: String,
    #[serde(default)]
    id: Vec<i64>,
    /// All that the page shows.
    page: Option<String>,
    #[serde(default)]
    shown: String,
    /// All that the search finds.
    whole: Option<String>,
    #[serde(default)]
    assignee: String,
    #[serde(default)]
    back: String,
}

/// `POST bulk/`
pub(super) async fn act(State(app): State<App>, place: Place, Form(sent): Form<Sent>) -> Result<Redirect, Error> {
    let back = Asked::back(&sent.back);
    let lead = |done: &str, many: usize, undo: &str| {
        Ok(Redirect::to(&format!("{}{}", place.base(), back.after(done, many, undo))))
    };
    let Some(issues) = sent.meant(&app, &place, &back).await? else { return lead("impossible", 0, "") };
    let many = issues.values().map(Vec::len).sum();
    if many == 0 {
        return lead("nothing", 0, "");
    }
    if sent.act == "delete" {
        for (project, issues) in &issues {
            removal::delete(&app, *project, issues).await?;
        }
        return lead("delete", many, "");
    }
    let Some(wanted) = sent.wanted() else { return lead("impossible", 0, "") };
    match change_all(&app, &place.scope, &issues, &wanted).await {
        Ok((_, actions)) => {
            let actions: Vec<String> = actions.iter().map(ToString::to_string).collect();
            lead(&sent.act, many, &actions.join(","))
        }
        Err(Error::Fields(_)) => lead("impossible", 0, ""),
        Err(error) => Err(error),
    }
}

impl Sent {
    /// The issues; none where the search finds nothing in time.
    async fn meant(&self, app: &App, place: &Place, back: &Asked) -> Result<Option<ByProject>, Error> {
        let search = if self.whole.is_some() {
            let query = back.query.as_deref().unwrap_or(DEFAULT_QUERY);
            let Ok(search) = Search::parse(query) else { return Ok(None) };
            back.narrow(search, app.now())
        } else {
            let shown = self.shown.split(' ').filter_map(|id| id.parse().ok());
            let ids: Vec<i64> = if self.page.is_some() { shown.collect() } else { self.id.clone() };
            if ids.is_empty() {
                return Ok(Some(ByProject::new()));
            }
            Search::of_issues(&ids)
        };
        let question = Question {
            user: place.scope.user.id,
            projects: &place.scope.projects,
            search,
            sort: back.sort(),
            now: app.now(),
        };
        let Found::Page(found) = search::find(&app.db, &question, None, MOST).await? else { return Ok(None) };
        let mut meant = ByProject::new();
        for issue in found.rows {
            meant.entry(issue.project_id).or_default().push(issue.id);
        }
        Ok(Some(meant))
    }

    fn wanted(&self) -> Option<Wanted> {
        let status = |name: &str| Wanted { status: Some(name.into()), ..Wanted::default() };
        Some(match self.act.as_str() {
            "resolve" => status("resolved"),
            "ignore" => status("ignored"),
            "reopen" => status("unresolved"),
            "bookmark" => Wanted { is_bookmarked: Some(true), ..Wanted::default() },
            "unbookmark" => Wanted { is_bookmarked: Some(false), ..Wanted::default() },
            "merge" => Wanted { merge: Some(json!(true)), ..Wanted::default() },
            "assign" => Wanted { assigned_to: Some(assignee(&self.assignee)?), ..Wanted::default() },
            _ => return None,
        })
    }
}

/// Somebody, as a form names them; `nobody` is none of them.
pub(super) fn assignee(name: &str) -> Option<Value> {
    match name {
        "" => None,
        "nobody" => Some(Value::Null),
        name => Some(json!(name)),
    }
}

#[derive(Deserialize)]
pub(super) struct Taken {
    #[serde(default)]
    actions: String,
    #[serde(default)]
    back: String,
}

/// `POST undo/`
pub(super) async fn undo(State(app): State<App>, place: Place, Form(taken): Form<Taken>) -> Result<Redirect, Error> {
    let by = By { user: place.scope.user.id, at: app.now() };
    let mut restored = None;
    for action in taken.actions.split(',').filter_map(|action| action.parse().ok()) {
        if let Undone::Done(issues) = undo::undo(&app, by, place.scope.organization.id, action).await? {
            restored = Some(restored.unwrap_or(0) + issues);
        }
    }
    let back = Asked::back(&taken.back);
    let after = match restored {
        Some(issues) => back.after("undone", issues, ""),
        None => back.after("impossible", 0, ""),
    };
    Ok(Redirect::to(&format!("{}{after}", place.base())))
}
