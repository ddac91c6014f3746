//! Lists of issues, by a query.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
};
use axum_extra::extract::Query;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{
    super::{
        Issue,
        paging::{Cursor, Slice},
        search::{self, DEFAULT_QUERY, Found, Question, Search, Sort},
    },
    Scope,
    json::{Series, written},
    misunderstood, too_slow,
};
use crate::{
    access::{Membership, ProjectAccess},
    app::App,
    ui,
    web::Error,
};

const PAGE_SIZE: usize = 25;
const MOST_PAGE_SIZE: usize = 100;
/// A list of one issue that was asked for by its name: clients go there.
const DIRECT_HIT: &str = "x-sentry-direct-hit";

/// What is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    #[serde(default, deserialize_with = "given")]
    pub query: Option<String>,
    sort: Option<String>,
    #[serde(default, deserialize_with = "given")]
    stats_period: Option<String>,
    #[serde(default, deserialize_with = "given")]
    group_stats_period: Option<String>,
    start: Option<String>,
    end: Option<String>,
    #[serde(default)]
    pub environment: Vec<String>,
    #[serde(default)]
    pub project: Vec<i64>,
    #[serde(default)]
    cursor: String,
    #[serde(alias = "per_page")]
    limit: Option<usize>,
    short_id_lookup: Option<String>,
}

/// What is given and empty is not the same as nothing: an empty query asks for everything.
pub(super) fn given<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    String::deserialize(value).map(Some)
}

type Page = (HeaderMap, Json<Vec<Value>>);

pub(super) async fn of_project(
    State(app): State<App>,
    access: ProjectAccess,
    Query(asked): Query<Asked>,
) -> Result<Page, Error> {
    // Of a project, as in Sentry 9, the period is that of the series alone.
    let series = series(asked.stats_period.as_deref())?;
    let path = format!("/api/0/projects/{}/{}/issues/", access.organization.slug, access.project.slug);
    list(&app, &access.into(), &asked, (&path, series, (None, None))).await
}

pub(super) async fn of_organization(
    State(app): State<App>,
    access: Membership,
    Query(asked): Query<Asked>,
) -> Result<Page, Error> {
    let series = series(asked.group_stats_period.as_deref())?;
    let path = format!("/api/0/organizations/{}/issues/", access.organization.slug);
    let period = asked.period(app.now())?;
    let scope = Scope::from(access).narrowed(&asked.project)?;
    list(&app, &scope, &asked, (&path, series, period)).await
}

fn series(period: Option<&str>) -> Result<Series, Error> {
    Series::parse(period)
        .ok_or_else(|| Error::Invalid("Invalid stats_period. Valid choices are '', '24h', and '14d'".into()))
}

type Period = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

impl Asked {
    fn period(&self, now: DateTime<Utc>) -> Result<Period, Error> {
        if let Some(period) = self.stats_period.as_deref().filter(|period| !period.is_empty()) {
            let ago =
                ago(period).ok_or_else(|| Error::field("statsPeriod", "Invalid statsPeriod: write 24h, 14d …"))?;
            return Ok((Some(now - ago), None));
        }
        let read = |name: &str, text: &Option<String>| match text.as_deref() {
            None | Some("") => Ok(None),
            Some(text) => {
                time(text).map(Some).ok_or_else(|| Error::field(name, format!("{text} is not a valid ISO8601 date")))
            }
        };
        Ok((read("start", &self.start)?, read("end", &self.end)?))
    }

    /// The query of the page, but for its cursor.
    fn same(&self) -> String {
        let limit = self.limit.map(|limit| limit.to_string());
        let projects: Vec<String> = self.project.iter().map(ToString::to_string).collect();
        let mut pairs = vec![
            ("query", self.query.as_deref()),
            ("sort", self.sort.as_deref()),
            ("statsPeriod", self.stats_period.as_deref()),
            ("groupStatsPeriod", self.group_stats_period.as_deref()),
            ("start", self.start.as_deref()),
            ("end", self.end.as_deref()),
            ("limit", limit.as_deref()),
        ];
        pairs.extend(self.environment.iter().map(|name| ("environment", Some(name.as_str()))));
        pairs.extend(projects.iter().map(|id| ("project", Some(id.as_str()))));
        ui::query(&pairs)
    }
}

/// `14d`, `24h`.
fn ago(period: &str) -> Option<TimeDelta> {
    let (end, _) = period.char_indices().last()?;
    let number = period[..end].parse().ok().filter(|number| (1..100_000).contains(number))?;
    match &period[end..] {
        "s" => TimeDelta::try_seconds(number),
        "m" => TimeDelta::try_minutes(number),
        "h" => TimeDelta::try_hours(number),
        "d" => TimeDelta::try_days(number),
        "w" => TimeDelta::try_weeks(number),
        _ => None,
    }
}

/// With a zone or, as Grafana sends it, without.
fn time(text: &str) -> Option<DateTime<Utc>> {
    let zoned = DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc());
    zoned.or_else(|| Some(NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?.and_utc()))
}

async fn list(
    app: &App,
    scope: &Scope,
    asked: &Asked,
    (path, series, period): (&str, Series, Period),
) -> Result<Page, Error> {
    let mut headers = HeaderMap::new();
    let typed = asked.query.as_deref().unwrap_or(DEFAULT_QUERY);
    let mut search = understood(typed)?;
    if asked.short_id_lookup.as_deref().is_some_and(|lookup| lookup != "0")
        && let Ok(named) = Search::parse(&format!("issue:{:?}", typed.trim()))
    {
        let hit = find(app, scope, named.clone(), Sort::LastSeen, (None, 1)).await?;
        if !hit.rows.is_empty() {
            search = named;
            headers.insert(HeaderName::from_static(DIRECT_HIT), HeaderValue::from_static("1"));
        }
    }
    let search = search.within(&asked.environment).during(period.0, period.1);
    let sort = Sort::parse(asked.sort.as_deref().unwrap_or_default())
        .ok_or_else(|| Error::Invalid("Invalid sort. Valid choices are date, new, freq, user and priority".into()))?;
    let size = asked.limit.unwrap_or(PAGE_SIZE).clamp(1, MOST_PAGE_SIZE);
    let found = find(app, scope, search, sort, (Cursor::parse(&asked.cursor), size)).await?;
    let link = found.link_header(&app.config.site.url(&format!("{path}{}", asked.same())));
    headers.insert(header::LINK, HeaderValue::from_str(&link)?);
    Ok((headers, Json(written(app, scope, &found.rows, series).await?)))
}

/// Reads a query, or says in words what is wrong and where.
pub(super) fn understood(query: &str) -> Result<Search, Error> {
    Search::parse(query).map_err(|problem| misunderstood(query, &problem))
}

/// A page of the issues that are looked for.
pub(super) async fn find(
    app: &App,
    scope: &Scope,
    search: Search,
    sort: Sort,
    (cursor, size): (Option<Cursor<i64>>, usize),
) -> Result<Slice<Issue, i64>, Error> {
    let question = Question { user: scope.user.id, projects: &scope.projects, search, sort, now: app.now() };
    match search::find(&app.db, &question, cursor, size).await? {
        Found::Page(page) => Ok(page),
        Found::TooSlow => Err(too_slow()),
    }
}

#[derive(Deserialize)]
pub(super) struct NamePath {
    name: String,
}

/// `shortids/SHOP-7/`.
pub(super) async fn by_name(
    State(app): State<App>,
    access: Membership,
    Path(path): Path<NamePath>,
) -> Result<Json<Value>, Error> {
    let scope = Scope::from(access);
    let search = Search::parse(&format!("issue:{:?}", path.name)).map_err(|_| Error::NotFound)?;
    let found = find(&app, &scope, search, Sort::LastSeen, (None, 1)).await?;
    let issue = found.rows.first().ok_or(Error::NotFound)?;
    let group = written(&app, &scope, std::slice::from_ref(issue), Series::None).await?;
    let project = scope.project(issue.project_id).ok_or(Error::NotFound)?;
    Ok(Json(json!({
        "organizationSlug": scope.organization.slug, "projectSlug": project.slug, "groupId": issue.id.0.to_string(),
        "group": group.first(), "shortId": issue.name(&project.slug),
    })))
}
