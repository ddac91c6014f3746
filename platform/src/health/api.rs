//! Sentry's Web API v0 of release health: `/api/0/organizations/{org}/sessions/`.

use axum::{Json, Router, extract::State, routing::get};
use axum_extra::extract::Query;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::{query, store};
use crate::{
    access::Membership,
    app::App,
    web::{Error, api_route},
};

/// The routes of this slice.
pub fn routes() -> Router<App> {
    api_route(Router::new(), "/api/0/organizations/{org}/sessions/", get(sessions))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[serde(default)]
    field: Vec<String>,
    #[serde(default)]
    group_by: Vec<String>,
    #[serde(default)]
    project: Vec<i64>,
    #[serde(default)]
    environment: Vec<String>,
    start: Option<String>,
    end: Option<String>,
    stats_period: Option<String>,
    interval: Option<String>,
    #[serde(default)]
    query: String,
}

async fn sessions(
    State(app): State<App>,
    access: Membership,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Error> {
    let question = asked.question(app.now()).map_err(Error::Invalid)?;
    let all = |wanted: &[i64]| wanted.is_empty() || wanted.contains(&-1);
    let projects: Vec<i64> = access.projects.iter().map(|project| project.id.0).collect();
    let projects: Vec<i64> =
        projects.into_iter().filter(|id| all(&asked.project) || asked.project.contains(id)).collect();
    let mut rows = store::read(&app.db, &projects, (question.from, question.to)).await?;
    rows.retain(|row| asked.environment.is_empty() || asked.environment.contains(&row.environment));
    query::answer(&rows, &question).map(Json).map_err(Error::Invalid)
}

impl Asked {
    fn question(&self, now: DateTime<Utc>) -> Result<query::Question, String> {
        let interval = self.interval.as_deref().map_or(Ok(TimeDelta::hours(1)), period)?.max(TimeDelta::hours(1));
        let time = |text: &String| {
            let naive = || text.parse::<NaiveDateTime>().map(|at| at.and_utc());
            DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).or_else(|_| naive()).map_err(|_| "Invalid date")
        };
        let (from, to) = match (&self.start, &self.end) {
            (Some(start), Some(end)) => (time(start)?, time(end)?),
            _ => (now - self.stats_period.as_deref().map_or(Ok(TimeDelta::hours(24)), period)?, now),
        };
        Ok(query::Question {
            fields: self.field.clone(),
            group_by: self.group_by.clone(),
            from,
            to,
            interval,
            query: self.query.clone(),
        })
    }
}

/// `90d`, `24h`, `30m`, `2w`.
fn period(text: &str) -> Result<TimeDelta, String> {
    let wrong = || format!("Invalid period: \"{text}\"");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let number: i64 = text.strip_suffix(unit).and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return Err(wrong()),
    };
    number
        .checked_mul(seconds)
        .and_then(TimeDelta::try_seconds)
        .filter(|period| *period > TimeDelta::zero())
        .ok_or_else(wrong)
}
