//! The first page, and an organisation's: its projects at a glance.

use std::collections::HashMap;

use askama::Template;
use axum::{
    Router,
    extract::{Query, State},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde::Deserialize;

use super::store;
use crate::{
    access::{Membership, Visitor},
    app::App,
    organizations::Organization,
    outcomes,
    projects::{self, Project, ProjectId, words::Words},
    ui::{self, Bars, Language, Page, render},
    web::Error,
};

/// How far back the counts go.
const DAYS: i64 = 14;

/// The routes of the overview.
pub fn routes() -> Router<App> {
    Router::new().route("/", get(all)).route("/{org}/", get(of_organization))
}

#[derive(Template)]
#[template(path = "overview/list.html")]
struct Overview {
    page: Page,
    words: &'static Words,
    /// Whose projects; of several, each group says it.
    heading: Option<String>,
    /// What was done before.
    done: Option<&'static str>,
    groups: Vec<(Organization, Vec<Card>)>,
}

/// A project, as its template shows it.
struct Card {
    url: String,
    name: String,
    platform: String,
    day: String,
    fortnight: String,
    unresolved: String,
    bars: Bars,
    is_silent: bool,
}

/// The only project's issues, or the choice.
async fn all(State(app): State<App>, language: Language, visitor: Visitor) -> Result<Response, Error> {
    let visible = projects::store::all_visible(&app.db, &visitor.user).await?;
    if let [(organization, project)] = visible.as_slice() {
        return Ok(Redirect::to(&format!("/{}/{}/issues/", organization.slug, project.slug)).into_response());
    }
    let mut groups: Vec<(Organization, Vec<Project>)> = Vec::new();
    for (organization, project) in visible {
        match groups.last_mut().filter(|(last, _)| last.id == organization.id) {
            Some((_, projects)) => projects.push(project),
            None => groups.push((organization, vec![project])),
        }
    }
    Ok(show(&app, visitor.page(language), (None, None), groups).await?.into_response())
}

#[derive(Default, Deserialize)]
struct Asked {
    #[serde(default)]
    done: String,
}

async fn of_organization(
    State(app): State<App>,
    language: Language,
    Membership { visitor, organization, projects, .. }: Membership,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    let heading = Some(organization.name.clone());
    let done = (asked.done == "deleted").then_some(Words::of(language).project_deleted);
    show(&app, visitor.page(language), (heading, done), vec![(organization, projects)]).await
}

async fn show(
    app: &App,
    page: Page,
    (heading, done): (Option<String>, Option<&'static str>),
    groups: Vec<(Organization, Vec<Project>)>,
) -> Result<Html<String>, Error> {
    let ids: Vec<ProjectId> = groups.iter().flat_map(|(_, projects)| projects).map(|project| project.id).collect();
    let now = app.now();
    let today = now.duration_trunc(TimeDelta::days(1)).unwrap_or(now);
    let since = today - TimeDelta::days(DAYS - 1);
    let hours = outcomes::accepted_events(&app.db, &ids, since).await?;
    let open = store::unresolved(&app.db, &ids).await?;
    let card = |organization: &Organization, project: Project| {
        let counts = Counts::of(hours.get(&project.id).map_or(&[][..], Vec::as_slice), (since, now));
        Card::new(organization, project, (&counts, &open))
    };
    let cards = |(organization, projects): (Organization, Vec<Project>)| {
        let cards = projects.into_iter().map(|project| card(&organization, project)).collect();
        (organization, cards)
    };
    let groups = groups.into_iter().map(cards).collect();
    Ok(render(&Overview { words: Words::of(page.language), page, heading, done, groups })?)
}

/// Events of a project: of the last 24 hours, and of each day.
struct Counts {
    day: i64,
    days: Vec<i64>,
}

impl Counts {
    fn of(hours: &[(DateTime<Utc>, i64)], (since, now): (DateTime<Utc>, DateTime<Utc>)) -> Counts {
        let mut counts = Counts { day: 0, days: vec![0; usize::try_from(DAYS).unwrap_or_default()] };
        for (hour, events) in hours {
            let day = usize::try_from((*hour - since).num_days()).ok().and_then(|day| counts.days.get_mut(day));
            if let Some(day) = day {
                *day += events;
            }
            // Hours are counted whole.
            if now - *hour < TimeDelta::hours(24) {
                counts.day += events;
            }
        }
        counts
    }
}

impl Card {
    fn new(organization: &Organization, project: Project, (counts, open): (&Counts, &HashMap<ProjectId, i64>)) -> Card {
        let unresolved = open.get(&project.id).copied().unwrap_or_default();
        let bars = Bars::new(&counts.days);
        Card {
            url: format!("/{}/{}/", organization.slug, project.slug),
            day: ui::count(counts.day),
            fortnight: ui::count(bars.total),
            unresolved: if unresolved > store::MOST_COUNTED {
                format!("{}+", ui::count(store::MOST_COUNTED))
            } else {
                ui::count(unresolved)
            },
            is_silent: bars.total == 0 && unresolved == 0,
            bars,
            name: project.name,
            platform: project.platform,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_by_day_and_for_the_last_24_hours() {
        let time = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let hours = [
            (time("2026-03-01T00:00:00Z"), 5),
            (time("2026-03-13T12:00:00Z"), 7),
            (time("2026-03-13T13:00:00Z"), 3),
            (time("2026-03-14T12:00:00Z"), 2),
        ];
        let counts = Counts::of(&hours, (time("2026-03-01T00:00:00Z"), time("2026-03-14T12:30:00Z")));
        assert_eq!(counts.day, 5);
        assert_eq!((counts.days[0], counts.days[12], counts.days[13], counts.days.len()), (5, 10, 2, 14));
    }
}
