//! What people do with an issue is told by mail to those who take part in it: an assignment, a resolution, a comment, a mention, and
//! that it is back.
//!
//! The history of issues is the list of what is to be told: an entry is marked as told in the transaction that writes down who
//! hears of it, so that none is lost and none told twice. Nobody hears of what they did themselves, nor by two mails of the same.

mod store;

use anyhow::{Context, Result};
use chrono::TimeDelta;
use serde_json::Value;

use super::delivery::News;
use crate::{app::App, issues::comments};
use store::{Entry, Told};

/// Entries that are taken at a time.
const AT_A_TIME: i64 = 200;
/// Who hears of something so late has read it: it is not told any more.
const TOO_LATE: TimeDelta = TimeDelta::days(1);

/// Whom an entry names: by itself, whatever else they have to do with the issue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Named {
    people: Vec<i64>,
    teams: Vec<i64>,
}

/// Writes down who is told of what happened to issues, until there is nothing left.
pub(super) async fn consider(app: &App) -> Result<()> {
    loop {
        let mut tx = app.db.begin().await.context("beginning to look at what people did")?;
        let entries = store::take(&mut tx, AT_A_TIME).await.context("looking at what people did")?;
        if entries.is_empty() {
            return Ok(());
        }
        let now = app.now();
        let mut told = Vec::new();
        for entry in entries.iter().filter(|entry| now - entry.at < TOO_LATE) {
            let Some(news) = news(&entry.kind) else { continue };
            let named = named(app, entry).await?;
            told.push(Told { entry, news, people: named.people, teams: named.teams });
        }
        let count = store::tell(&mut tx, &told, now).await.context("noting who is told of what people did")?;
        tx.commit().await.context("noting who is told of what people did")?;
        if count > 0 {
            app.deliveries.notify_one();
        }
    }
}

/// By Sentry's word for what happened; none for what is no mail's worth.
fn news(kind: &str) -> Option<News> {
    match kind {
        "assigned" => Some(News::Assigned),
        "note" => Some(News::Commented),
        "set_regression" => Some(News::Regressed),
        resolved if resolved.starts_with("set_resolved") => Some(News::Resolved),
        _ => None,
    }
}

async fn named(app: &App, entry: &Entry) -> Result<Named> {
    if entry.kind != "note" {
        return Ok(assigned(&entry.data));
    }
    let text = entry.data["text"].as_str().unwrap_or_default();
    if !text.contains(['@', '#']) {
        return Ok(Named::default());
    }
    let mentioned = comments::names(&app.db, entry.organization).await?.mentioned(text);
    Ok(Named { people: mentioned.people, teams: mentioned.teams })
}

/// To whom an issue was given.
fn assigned(data: &Value) -> Named {
    let id: Option<i64> = data["assignee"].as_str().and_then(|id| id.parse().ok());
    match (data["assigneeType"].as_str(), id) {
        (Some("user"), Some(id)) => Named { people: vec![id], teams: Vec::new() },
        (Some("team"), Some(id)) => Named { people: Vec::new(), teams: vec![id] },
        _ => Named::default(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_worth_a_mail_is_known_by_its_word() {
        assert_eq!(news("set_resolved_in_release"), Some(News::Resolved));
        assert_eq!(news("set_resolved_by_age"), Some(News::Resolved));
        assert_eq!(news("set_regression"), Some(News::Regressed));
        for quiet in ["set_ignored", "set_unresolved", "unassigned", "merge", "set_public"] {
            assert_eq!(news(quiet), None, "{quiet}");
        }
    }

    #[test]
    fn an_assignment_names_a_person_or_a_team() {
        let person = assigned(&json!({"assignee": "7", "assigneeType": "user"}));
        assert_eq!(person, Named { people: vec![7], teams: vec![] });
        let team = assigned(&json!({"assignee": "3", "assigneeType": "team"}));
        assert_eq!(team, Named { people: vec![], teams: vec![3] });
        assert_eq!(assigned(&json!({"version": "1"})), Named::default());
    }
}
