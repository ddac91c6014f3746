//! The events of an issue, with a search of their own.

use axum::{
    Json,
    extract::State,
    http::{HeaderName, header},
};
use axum_extra::extract::Query;
use serde::Deserialize;

use super::{super::store, EventJson, Read};
use crate::{
    access::IssueAccess,
    app::App,
    issues::{
        api::{misunderstood, too_slow},
        paging::{Cursor, Slice},
        search::{self, Found, Search},
    },
    ui,
    web::Error,
};

const PAGE_SIZE: usize = 100;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    query: String,
    #[serde(default)]
    environment: Vec<String>,
    #[serde(default)]
    cursor: String,
    #[serde(alias = "per_page")]
    limit: Option<usize>,
}

pub(super) async fn list(
    State(app): State<App>,
    IssueAccess { issue, .. }: IssueAccess,
    Query(asked): Query<Asked>,
) -> Result<([(HeaderName, String); 1], Json<Vec<EventJson>>), Error> {
    let search = Search::of_events(&asked.query).map_err(|problem| misunderstood(&asked.query, &problem))?;
    let search = search.within(&asked.environment);
    let size = asked.limit.unwrap_or(PAGE_SIZE).clamp(1, PAGE_SIZE);
    let page = (Cursor::parse(&asked.cursor), size);
    let Found::Page(found) = search::find_events(&app.db, &issue, (&search, app.now()), page).await? else {
        return Err(too_slow());
    };
    let Slice { rows: keys, previous, next } = found;
    let rows = store::find_all(&app.db, issue.project_id, &keys).await?;
    let events = rows.iter().map(|stored| Ok(Read::new(stored)?.summary())).collect::<Result<_, Error>>()?;
    let link = Slice { rows, previous, next }.link_header(&app.config.site.url(&asked.url(issue.id.0)));
    Ok(([(header::LINK, link)], Json(events)))
}

impl Asked {
    /// The request, but for its cursor.
    fn url(&self, issue: i64) -> String {
        let limit = self.limit.map(|limit| limit.to_string());
        let query = Some(self.query.as_str()).filter(|query| !query.is_empty());
        let mut pairs = vec![("query", query), ("limit", limit.as_deref())];
        pairs.extend(self.environment.iter().map(|name| ("environment", Some(name.as_str()))));
        format!("/api/0/issues/{issue}/events/{}", ui::query(&pairs))
    }
}
