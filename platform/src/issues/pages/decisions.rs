//! What is done to one issue on its page.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use axum_extra::extract::Form;
use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Deserialize;

use crate::{
    access::IssueAccess,
    app::App,
    issues::{
        By, IssueId,
        changing::{Details, Wanted, change},
        merging::{self, Merged},
        path, removal,
        search::{self, Found, Question, Search, Sort},
    },
    web::Error,
};

use super::{bulk::assignee, place::list_path};

/// What a form says; which of its fields count depends on what is to be done.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    act: String,
    release: String,
    assignee: String,
    /// Minutes.
    duration: String,
    until: String,
    events: String,
    users: String,
    /// Minutes in which so many are too many; 0 for all from now on.
    window: String,
    with: String,
}

/// `POST decision/`
pub(super) async fn decide(
    State(app): State<App>,
    found: IssueAccess,
    Form(sent): Form<Sent>,
) -> Result<Response, Error> {
    let IssueAccess { access, issue } = found;
    let list = list_path(&access.organization.slug, Some(&access.project.slug));
    let here = path(&access.organization.slug, &access.project.slug, issue.id);
    let lead = |to: String| Ok(Redirect::to(&to).into_response());
    match sent.act.as_str() {
        "delete" => {
            removal::delete(&app, issue.project_id, &[issue.id]).await?;
            return lead(format!("{list}?done=delete&many=1"));
        }
        "discard" => {
            let by = By { user: access.user.id, at: app.now() };
            removal::discard(&app, by, issue.project_id, &[issue.id]).await?;
            return lead(format!("{list}?done=delete&many=1"));
        }
        "merge" => {
            let by = By { user: access.user.id, at: app.now() };
            let question = Question {
                user: access.user.id,
                projects: std::slice::from_ref(&access.project),
                search: Search::parse(&format!("issue:{:?}", sent.with.trim()))
                    .unwrap_or_else(|_| Search::of_issues(&[])),
                sort: Sort::LastSeen,
                now: app.now(),
            };
            let Found::Page(other) = search::find(&app.db, &question, None, 1).await? else {
                return lead(format!("{here}fingerprints/?wrong=merge"));
            };
            let others: Vec<IssueId> = other.rows.iter().map(|other| other.id).filter(|id| *id != issue.id).collect();
            let all: Vec<IssueId> = others.into_iter().chain([issue.id]).collect();
            return match merging::merge(&app, by, issue.project_id, &all).await? {
                Merged::Done { parent, .. } => {
                    lead(path(&access.organization.slug, &access.project.slug, parent) + "fingerprints/")
                }
                Merged::NotEnough => lead(format!("{here}fingerprints/?wrong=merge")),
            };
        }
        _ => (),
    }
    let Some(wanted) = sent.wanted() else { return lead(format!("{here}?wrong=decision")) };
    match change(&app, &access.into(), (issue.project_id, &[issue.id]), &wanted).await {
        Ok(_) => lead(here),
        Err(Error::Fields(_)) => lead(format!("{here}?wrong=decision")),
        Err(error) => Err(error),
    }
}

impl Sent {
    /// None where a field makes no sense.
    fn wanted(&self) -> Option<Wanted> {
        let status = |name: &str, details: Details| Wanted {
            status: Some(name.into()),
            status_details: Some(details),
            ..Wanted::default()
        };
        Some(match self.act.as_str() {
            "resolve" => status("resolved", Details::default()),
            "resolve-in-next" => status("resolved", Details { in_next_release: Some(true), ..Details::default() }),
            "resolve-in-latest" => {
                status("resolved", Details { in_release: Some("latest".into()), ..Details::default() })
            }
            "resolve-in" => {
                let release = Some(self.release.trim().to_owned()).filter(|release| !release.is_empty())?;
                status("resolved", Details { in_release: Some(release), ..Details::default() })
            }
            "reopen" => status("unresolved", Details::default()),
            "ignore" => status("ignored", self.snooze()?),
            "assign" => Wanted { assigned_to: Some(assignee(&self.assignee)?), ..Wanted::default() },
            "bookmark" => Wanted { is_bookmarked: Some(true), ..Wanted::default() },
            "unbookmark" => Wanted { is_bookmarked: Some(false), ..Wanted::default() },
            "subscribe" => Wanted { is_subscribed: Some(true), ..Wanted::default() },
            "unsubscribe" => Wanted { is_subscribed: Some(false), ..Wanted::default() },
            "share" => Wanted { is_public: Some(true), ..Wanted::default() },
            "unshare" => Wanted { is_public: Some(false), ..Wanted::default() },
            _ => return None,
        })
    }

    /// Until when, or until what, an issue is ignored.
    fn snooze(&self) -> Option<Details> {
        let window = number::<u32>(&self.window)?.filter(|minutes| *minutes > 0);
        let (events, users) = (number(&self.events)?, number(&self.users)?);
        Some(Details {
            ignore_duration: number(&self.duration)?,
            ignore_until: match self.until.trim() {
                "" => None,
                until => Some(moment(until)?),
            },
            ignore_count: events,
            ignore_window: window.filter(|_| events.is_some()),
            ignore_user_count: users,
            ignore_user_window: window.filter(|_| users.is_some()),
            ..Details::default()
        })
    }
}

/// A number, nothing where nothing is said, or none at all.
#[expect(clippy::option_option, reason = "nothing said is not the same as nonsense")]
fn number<N: std::str::FromStr>(text: &str) -> Option<Option<N>> {
    match text.trim() {
        "" => Some(None),
        text => text.parse().ok().map(Some),
    }
}

/// As a browser's field says it, in UTC.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok()).map(|at| at.and_utc())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ignore(events: &str, window: &str, until: &str) -> Option<Details> {
        let sent = Sent { events: events.into(), window: window.into(), until: until.into(), ..Sent::default() };
        sent.snooze()
    }

    #[test]
    fn an_issue_is_ignored_until_what_the_form_says() {
        let often = ignore("10", "60", "").expect("it makes sense");
        assert_eq!((often.ignore_count, often.ignore_window, often.ignore_user_window), (Some(10), Some(60), None));
        assert_eq!(ignore("10", "0", "").and_then(|details| details.ignore_window), None);
        let later = ignore("", "", "2030-01-02T03:04").expect("it makes sense");
        assert_eq!(later.ignore_until, "2030-01-02T03:04:00Z".parse().ok());
        assert!(ignore("ten", "", "").is_none() && ignore("", "", "soon").is_none());
    }

    #[test]
    fn nobody_is_somebody_to_give_an_issue_to() {
        let given =
            |assignee: &str| Sent { act: "assign".into(), assignee: assignee.into(), ..Sent::default() }.wanted();
        assert_eq!(given("nobody").and_then(|wanted| wanted.assigned_to), Some(json!(null)));
        assert_eq!(given("team:3").and_then(|wanted| wanted.assigned_to), Some(json!("team:3")));
        assert!(given("").is_none());
    }
}
