//! An issue as clients read it.

use std::collections::HashMap;

use chrono::DateTime;
use serde_json::{Value, json};

use super::{
    super::{
        Issue, path,
        people::{self, Assigned, Marks, Person},
        store::{self, Window},
    },
    Scope, timestamp,
};
use crate::{app::App, projects::Project, web::Error};

/// Which series of counts each issue comes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Series {
    None,
    Of(Window),
    /// Those of one issue alone: 24 hours and 30 days.
    Detail,
}

impl Series {
    /// Reads Sentry's word for it.
    pub fn parse(period: Option<&str>) -> Option<Series> {
        match period {
            None | Some("24h" | "auto") => Some(Series::Of(Window::Day)),
            Some("14d") => Some(Series::Of(Window::Fortnight)),
            Some("") => Some(Series::None),
            Some(_) => None,
        }
    }

    fn windows(self) -> &'static [Window] {
        match self {
            Series::None => &[],
            Series::Of(Window::Day) => &[Window::Day],
            Series::Of(Window::Fortnight) => &[Window::Fortnight],
            Series::Of(Window::Month) => &[Window::Month],
            Series::Detail => &[Window::Day, Window::Month],
        }
    }
}

/// Issues with what whoever asks has to do with them, and their counts.
pub(super) async fn written(app: &App, scope: &Scope, issues: &[Issue], series: Series) -> Result<Vec<Value>, Error> {
    let marks = people::marks(&app.db, scope.user.id, issues).await?;
    let mut counts: HashMap<i64, serde_json::Map<String, Value>> = HashMap::new();
    let now = app.now();
    for window in series.windows() {
        let starts = window.starts(now);
        for (issue, events) in store::series(&app.db, issues, *window, now).await? {
            // Seconds since 1970, and how many.
            let points: Vec<(i64, i64)> = starts.iter().map(DateTime::timestamp).zip(events).collect();
            counts.entry(issue.0).or_default().insert(window.name().into(), json!(points));
        }
    }
    let nothing = Marks::default();
    let written = issues.iter().filter_map(|issue| {
        let project = scope.project(issue.project_id)?;
        let mut written = one(app, scope, project, issue, marks.get(&issue.id).unwrap_or(&nothing));
        if let Some(stats) = counts.remove(&issue.id.0) {
            written["stats"] = Value::Object(stats);
        }
        Some(written)
    });
    Ok(written.collect())
}

fn one(app: &App, scope: &Scope, project: &Project, issue: &Issue, marks: &Marks) -> Value {
    let permalink = app.config.site.url(&path(&scope.organization.slug, &project.slug, issue.id));
    let details = issue.decision.as_ref().map_or_else(|| json!({}), |decision| decision.details());
    let subscription = marks.subscription.as_ref().map(|subscription| {
        if subscription.is_active { json!({ "reason": subscription.reason }) } else { json!({ "disabled": true }) }
    });
    json!({
        "id": issue.id.0.to_string(),
        "shortId": issue.name(&project.slug),
        "shareId": marks.share.map(|share| share.simple().to_string()),
        "title": issue.title,
        "culprit": issue.culprit,
        "permalink": permalink,
        "logger": null,
        "level": issue.level.name(),
        "status": issue.status.name(),
        "statusDetails": details,
        "isPublic": marks.share.is_some(),
        "platform": issue.platform,
        "project": {
            "id": project.id.0.to_string(), "name": project.name, "slug": project.slug, "platform": project.platform,
        },
        "type": issue.kind,
        "metadata": metadata(issue),
        "numComments": marks.comments,
        "assignedTo": marks.assigned.as_ref().map(assigned),
        "isBookmarked": marks.is_bookmarked,
        "isSubscribed": marks.subscription.as_ref().is_some_and(|subscription| subscription.is_active),
        "subscriptionDetails": subscription,
        "hasSeen": marks.has_seen(issue),
        "annotations": [],
        "isUnhandled": marks.is_unhandled,
        "count": issue.times_seen.to_string(),
        "userCount": issue.users_seen,
        "firstSeen": timestamp(issue.first_seen),
        "lastSeen": timestamp(issue.last_seen),
    })
}

/// Who sees to an issue.
pub fn assigned(assigned: &Assigned) -> Value {
    match assigned {
        Assigned::Person(person) => {
            json!({ "type": "user", "id": person.id.0.to_string(), "name": called(person), "email": person.email })
        }
        Assigned::Team(team) => json!({ "type": "team", "id": team.id.to_string(), "name": team.slug }),
    }
}

/// Somebody.
pub(super) fn person(person: &Person) -> Value {
    json!({
        "id": person.id.0.to_string(), "name": called(person), "username": person.email, "email": person.email, "isActive": true,
    })
}

fn called(person: &Person) -> &str {
    if person.name.is_empty() { &person.email } else { &person.name }
}

/// `{"type", "value"}` of an error, `{"title"}` of a message.
fn metadata(issue: &Issue) -> Value {
    if issue.kind != "error" {
        return json!({ "title": issue.title });
    }
    let (kind, value) = issue.headline();
    json!({ "type": kind, "value": value.unwrap_or_default() })
}
