//! Sentry's Web API v0 of monitors: the list of an organisation, one, and its check-ins.

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Environment, Kept, Monitor, store};
use crate::{
    access::{Membership, ProjectAccess},
    app::App,
    projects::Project,
    protocol::schedule::{Config, Schedule},
    web::{Error, api_route},
};

const PAGE_SIZE: i64 = 100;

/// The routes of this slice.
pub fn routes() -> Router<App> {
    let router = api_route(Router::new(), "/api/0/organizations/{org}/monitors/", get(list));
    let router = api_route(router, "/api/0/organizations/{org}/monitors/{monitor}/", get(one));
    let router = api_route(router, "/api/0/organizations/{org}/monitors/{monitor}/checkins/", get(check_ins));
    let router = api_route(router, "/api/0/projects/{org}/{project}/monitors/{monitor}/", get(one_of_project));
    api_route(router, "/api/0/projects/{org}/{project}/monitors/{monitor}/checkins/", get(check_ins_of_project))
}

#[derive(Deserialize)]
struct Named {
    monitor: String,
}

async fn list(State(app): State<App>, access: Membership) -> Result<Json<Vec<Value>>, Error> {
    Ok(Json(shown(&app, &access.projects, |_| true).await?))
}

async fn one(State(app): State<App>, access: Membership, Path(named): Path<Named>) -> Result<Json<Value>, Error> {
    let shown = shown(&app, &access.projects, |monitor| named.is(monitor)).await?;
    shown.into_iter().next().map(Json).ok_or(Error::NotFound)
}

async fn one_of_project(
    State(app): State<App>,
    access: ProjectAccess,
    Path(named): Path<Named>,
) -> Result<Json<Value>, Error> {
    let shown = shown(&app, &[access.project], |monitor| named.is(monitor)).await?;
    shown.into_iter().next().map(Json).ok_or(Error::NotFound)
}

async fn check_ins(
    State(app): State<App>,
    access: Membership,
    Path(named): Path<Named>,
) -> Result<Json<Vec<Value>>, Error> {
    named.check_ins(&app, &access.projects).await
}

async fn check_ins_of_project(
    State(app): State<App>,
    access: ProjectAccess,
    Path(named): Path<Named>,
) -> Result<Json<Vec<Value>>, Error> {
    named.check_ins(&app, &[access.project]).await
}

impl Named {
    fn is(&self, monitor: &Monitor) -> bool {
        monitor.slug == self.monitor || monitor.id.to_string() == self.monitor
    }

    async fn check_ins(&self, app: &App, projects: &[Project]) -> Result<Json<Vec<Value>>, Error> {
        let monitors = store::list(&app.db, &ids(projects)).await?;
        let monitor = monitors.into_iter().find(|monitor| self.is(monitor)).ok_or(Error::NotFound)?;
        let kept = store::check_ins(&app.db, &monitor, PAGE_SIZE).await?;
        Ok(Json(kept.iter().map(|kept| check_in(kept, &monitor)).collect()))
    }
}

fn ids(projects: &[Project]) -> Vec<i64> {
    projects.iter().map(|project| project.id.0).collect()
}

async fn shown(app: &App, projects: &[Project], wanted: impl Fn(&Monitor) -> bool) -> Result<Vec<Value>, Error> {
    let ids = ids(projects);
    let environments = store::environments(&app.db, &ids).await?;
    let monitors = store::list(&app.db, &ids).await?;
    let shown = monitors.iter().filter(|monitor| wanted(monitor)).filter_map(|monitor| {
        let project = projects.iter().find(|project| project.id == monitor.project)?;
        let own = environments.iter().filter(|(id, _)| *id == monitor.id).map(|(_, own)| environment(own));
        Some(json!({
            "id": monitor.id.to_string(), "slug": monitor.slug, "name": monitor.slug, "status": "active",
            "isMuted": false, "isUpserting": monitor.config.is_some(), "owner": null, "type": "cron_job",
            "dateCreated": time(monitor.created_at), "config": config(monitor.config.as_ref()),
            "environments": own.collect::<Vec<_>>(),
            "project": {"id": project.id.0.to_string(), "slug": project.slug, "name": project.name,
                        "platform": project.platform},
        }))
    });
    Ok(shown.collect())
}

fn environment(environment: &Environment) -> Value {
    let status = match (environment.last_check_in, environment.state.is_failing) {
        (_, true) => "error",
        (None, false) => "active",
        (Some(_), false) => "ok",
    };
    json!({
        "name": environment.name, "status": status, "isMuted": false,
        "lastCheckIn": environment.last_check_in.map(time), "nextCheckIn": environment.next_expected.map(time),
        "nextCheckInLatest": environment.next_latest.map(time),
    })
}

/// As Sentry's `ConfigValidator` writes it. One that nobody configured has no schedule.
fn config(config: Option<&Config>) -> Value {
    let Some(config) = config else {
        return json!({"schedule_type": null, "schedule": null, "checkin_margin": null, "max_runtime": null,
            "timezone": null, "failure_issue_threshold": null, "recovery_threshold": null, "alert_rule_id": null});
    };
    let (kind, schedule) = match &config.schedule {
        Schedule::Crontab(pattern) => ("crontab", json!(pattern)),
        Schedule::Interval(number, unit) => ("interval", json!([number, unit.name()])),
    };
    json!({
        "schedule_type": kind, "schedule": schedule, "checkin_margin": config.margin,
        "max_runtime": config.max_runtime, "timezone": config.timezone,
        "failure_issue_threshold": config.failure_threshold, "recovery_threshold": config.recovery_threshold,
        "alert_rule_id": null,
    })
}

fn check_in(kept: &Kept, monitor: &Monitor) -> Value {
    json!({
        "id": kept.id, "environment": kept.environment, "status": kept.status.name(), "duration": kept.duration,
        "dateCreated": time(kept.started_at), "dateAdded": time(kept.started_at), "dateUpdated": time(kept.updated_at),
        "dateInProgress": time(kept.started_at), "dateClock": time(kept.started_at),
        "expectedTime": kept.expected_at.map(time), "monitorConfig": config(monitor.config.as_ref()),
    })
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
