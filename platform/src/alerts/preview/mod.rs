//! What a rule would have told of what came lately: decided by the same function that decides for what comes.

mod store;

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{
    firing::{self, Candidate},
    rules::{Rule, Term},
};
use crate::{
    app::App,
    events,
    protocol::{
        json::Object,
        tags::{self, Tag},
    },
};

/// How far back it looks.
pub const LOOKS_BACK: TimeDelta = TimeDelta::days(7);
/// As many events are looked at, the latest.
const MOST_EVENTS: i64 = 10_000;

/// What a rule would have told.
#[derive(Clone, Debug)]
pub struct Preview {
    pub since: DateTime<Utc>,
    pub times: usize,
    /// Events that were looked at.
    pub events: usize,
    /// There were more than are looked at.
    pub is_partial: bool,
    pub issues: Vec<Line>,
}

/// An issue that it would have told of.
#[derive(Clone, Debug)]
pub struct Line {
    pub issue: i64,
    pub short_id: i64,
    pub title: String,
    pub times: usize,
    pub last: DateTime<Utc>,
}

/// An event, with what the rule reads of it.
struct Read {
    stored: store::Stored,
    bits: [u64; 1],
    release: Option<String>,
}

/// Runs a rule over the events of the last week.
pub async fn preview(app: &App, rule: Rule) -> Result<Preview> {
    let now = app.now();
    let since = now - LOOKS_BACK;
    let reads = rule.reads_events() || rule.terms().any(|term| *term == Term::LatestRelease);
    let project = rule.project;
    let stored = store::recent(&app.db, (project, since), reads, MOST_EVENTS).await.context("reading recent events")?;
    let (events, is_partial) = (stored.len(), stored.len() >= usize::try_from(MOST_EVENTS).unwrap_or(usize::MAX));
    let rules = Arc::new(vec![Rule { muted_until: None, ..rule }]);
    let read: Vec<Read> =
        stored.into_iter().map(|stored| Read::new(stored, &rules[0], reads)).collect::<Result<_>>()?;
    let candidates: Vec<Candidate<'_>> = read.iter().map(|read| read.candidate(&rules)).collect();
    let fires = firing::rehearse(&app.db, &candidates, now).await.context("running a rule over recent events")?;
    let mut lines: BTreeMap<i64, (usize, DateTime<Utc>)> = BTreeMap::new();
    for fire in &fires {
        let line = lines.entry(fire.issue.0).or_insert((0, fire.at));
        *line = (line.0 + 1, line.1.max(fire.at));
    }
    let names =
        store::names(&app.db, project, &lines.keys().copied().collect::<Vec<_>>()).await.context("naming issues")?;
    let line = |(issue, (times, last)): (i64, (usize, DateTime<Utc>))| {
        let (short_id, title) = names.get(&issue)?;
        Some(Line { issue, short_id: *short_id, title: title.clone(), times, last })
    };
    let mut issues: Vec<Line> = lines.into_iter().filter_map(line).collect();
    issues.sort_by_key(|line| std::cmp::Reverse(line.last));
    Ok(Preview { since, times: fires.len(), events, is_partial, issues })
}

impl Read {
    fn new(stored: store::Stored, rule: &Rule, reads: bool) -> Result<Read> {
        if !reads {
            return Ok(Read { stored, bits: [0], release: None });
        }
        let json: Value = serde_json::from_slice(&events::unpack_body(&stored.body)?).context("reading an event")?;
        let json: Object = json.as_object().cloned().unwrap_or_default();
        let tags: Vec<Tag> = tags::tags(&json);
        let release = tags.iter().find(|tag| tag.key == "release").map(|tag| tag.value.clone());
        Ok(Read { bits: [rule.read_event(&json, &tags)], release, stored })
    }

    fn candidate<'a>(&'a self, rules: &'a Arc<Vec<Rule>>) -> Candidate<'a> {
        let tag = |nth: usize| self.stored.tags.get(nth).copied().unwrap_or(0);
        Candidate {
            project: self.stored.project,
            event: self.stored.event,
            issue: self.stored.issue,
            effect: self.stored.effect,
            occurred_at: self.stored.occurred_at,
            received_at: self.stored.received_at,
            environment: tag(0),
            user: tag(2),
            release: self.release.as_deref(),
            rules,
            bits: &self.bits,
        }
    }
}
