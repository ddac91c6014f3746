//! An API of our own: what may be typed next in a search, what it means so far, and what is wrong with it.

use axum::{Json, extract::State};
use axum_extra::extract::Query;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::search::{Search, suggest},
    Scope,
};
use crate::{access::Membership, app::App, ui::Language, web::Error};

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    query: String,
    /// Where the cursor is, in characters; at the end without.
    at: Option<usize>,
    #[serde(default)]
    project: Vec<i64>,
}

pub(super) async fn suggest(
    State(app): State<App>,
    access: Membership,
    language: Language,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Error> {
    let scope = Scope::from(access).narrowed(&asked.project)?;
    let query = &asked.query;
    let byte = asked.at.and_then(|at| query.char_indices().nth(at)).map_or(query.len(), |(byte, _)| byte);
    let found = suggest::suggest(&app.db, &scope.projects, query, byte).await?;
    let characters = |byte: usize| query[..byte].chars().count();
    let (meaning, problem) = match Search::parse(query) {
        Ok(search) => (Some(search.meaning()), None),
        Err(problem) => {
            let at = problem.characters(query);
            (None, Some(json!({ "from": at.start, "to": at.end, "text": problem.text(language) })))
        }
    };
    Ok(Json(json!({
        "from": characters(found.span.start), "to": characters(found.span.end), "suggestions": found.texts,
        "meaning": meaning, "problem": problem,
    })))
}
