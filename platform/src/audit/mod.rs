//! The audit log: who changed what, when, from where.
//!
//! A row is written in the same transaction as what it tells of, or right after it where there is none, and never changed. Events
//! have Sentry's names. Deliberately not here: what is done with issues, which their own activity tells.

pub mod api;
pub mod store;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgExecutor;

use crate::{
    app::now,
    auth::{User, UserId},
    organizations::OrganizationId,
};

/// Who does something, and from where.
#[derive(Clone, Debug, Default)]
pub struct Actor {
    pub id: Option<UserId>,
    pub name: String,
    pub address: String,
}

impl Actor {
    /// A person, or the machine of an organisation's token.
    pub fn new(user: &User, address: &str) -> Actor {
        Actor { id: Some(user.id), name: user.email.clone(), address: address.to_owned() }
    }

    /// The platform itself, by the name of what it does it for.
    pub fn system(name: &str) -> Actor {
        Actor { id: None, name: name.to_owned(), address: String::new() }
    }
}

/// Everything that is logged, by Sentry's name for it.
pub const EVENTS: &[&str] = &[
    "member.accept-invite",
    "member.add",
    "member.edit",
    "member.invite",
    "member.join-team",
    "member.leave-team",
    "member.remove",
    "org.edit",
    "org-token.create",
    "org-token.remove",
    "project.accessed-by-team",
    "project.create",
    "project.edit",
    "project.remove",
    "project.removed-from-team",
    "projectkey.change",
    "projectkey.create",
    "projectkey.remove",
    "quota.remove",
    "quota.set",
    "sso-identity.link",
    "sso-identity.remove",
    "team.create",
    "team.edit",
    "team.remove",
    "user.deactivate",
    "user.superuser",
];

/// What happened.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// None: to the whole installation.
    pub organization: Option<OrganizationId>,
    /// One of [`EVENTS`].
    pub event: &'static str,
    /// What it happened to, by its name.
    pub target: &'a str,
    pub data: Value,
}

/// A row of the log.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub event: String,
    pub actor_id: Option<i64>,
    pub actor: String,
    pub address: String,
    pub target: String,
    pub data: Value,
}

/// Writes a row.
pub async fn record(db: impl PgExecutor<'_>, actor: &Actor, entry: Entry<'_>) -> Result<()> {
    debug_assert!(EVENTS.contains(&entry.event), "{} has no line in EVENTS", entry.event);
    store::insert(db, now(), actor, &entry).await.context("writing the audit log")
}

/// What a row tells besides its target, as a person reads it.
pub fn details(data: &Value) -> String {
    let fields = data.as_object().into_iter().flatten();
    let one = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let told = |value: &Value| match value {
        Value::Array(values) => values.iter().map(one).collect::<Vec<_>>().join(" "),
        value => one(value),
    };
    fields.map(|(name, value)| format!("{name}: {}", told(value))).collect::<Vec<_>>().join(", ")
}

/// Rows as a table that spreadsheets read. What begins as a formula does not end as one.
pub fn csv(rows: &[Row]) -> String {
    let mut text = "time,event,target,actor,address,details\r\n".to_owned();
    for row in rows {
        let at = row.at.to_rfc3339();
        let details = details(&row.data);
        let fields = [at.as_str(), &row.event, &row.target, &row.actor, &row.address, &details];
        let quoted: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
        text.push_str(&quoted.join(","));
        text.push_str("\r\n");
    }
    text
}

fn quoted(field: &str) -> String {
    let guard = if field.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", field.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_spreadsheet_runs_nothing_of_the_log() {
        let row = Row {
            id: 1,
            at: DateTime::UNIX_EPOCH,
            event: "team.create".into(),
            actor_id: None,
            actor: "=cmd|'/c calc'!A1".into(),
            address: "192.0.2.1".into(),
            target: "a \"quoted\" team, 团队".into(),
            data: json!({"name": "x"}),
        };
        let expected = "\"1970-01-01T00:00:00+00:00\",\"team.create\",\"a \"\"quoted\"\" team, 团队\",\"'=cmd|'/c calc'!A1\",\"192.0.2.1\",\"name: x\"\r\n";
        assert_eq!(csv(&[row]).lines().nth(1), expected.lines().next());
    }
}
