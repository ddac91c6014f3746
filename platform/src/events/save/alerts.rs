//! What the events of a batch have people told, by the rules of their projects.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{Placed, Tx, issues::Locked};
use crate::{
    alerts::firing::{Candidate, fire},
    events::Effect,
    issues::{IssueId, lifecycle::Decision},
};

/// Decides and writes down who is to be told; how many rules were met. Of an issue that stays ignored nobody wants to hear.
pub(super) async fn fire_rules(
    tx: &mut Tx<'_>,
    locked: &HashMap<IssueId, Locked>,
    placed: &[Placed<'_>],
    now: DateTime<Utc>,
) -> sqlx::Result<usize> {
    let is_ignored = |issue: &IssueId| matches!(locked[issue].decision, Decision::Ignored(_));
    let mut returned = false;
    let mut candidates = Vec::new();
    for events in placed.chunk_by(|a, b| a.issue == b.issue) {
        for placed in events {
            returned |= placed.effect == Effect::Unignored;
            if !placed.event.rules.is_empty() && (returned || !is_ignored(&placed.issue)) {
                candidates.push(candidate(placed));
            }
        }
        returned = false;
    }
    if candidates.is_empty() { Ok(0) } else { fire(tx, &candidates, now).await }
}

fn candidate<'a>(placed: &'a Placed<'_>) -> Candidate<'a> {
    let event = placed.event;
    Candidate {
        project: event.received.project,
        event: event.received.id,
        issue: placed.issue,
        effect: placed.effect,
        occurred_at: event.occurred_at,
        received_at: event.received.received_at,
        environment: placed.number("environment"),
        user: placed.user(),
        release: event.release(),
        rules: &event.rules,
        bits: &event.bits,
    }
}
