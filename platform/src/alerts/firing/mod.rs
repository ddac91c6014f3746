//! Firing: which rules are met by the events of a batch, decided before the batch is committed and written down with it.
//!
//! What a rule asks beyond the events themselves is asked once for the whole batch, and only if some event depends on it: where
//! no rule counts or compares, nothing is asked at all. The decision is pure, so that a preview decides the same.

mod store;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgPool, Postgres, Transaction};

use super::{
    RuleId,
    delivery::News,
    rules::{Action, Order, Rule, Term, Truth, Whom},
};
use crate::{
    auth::UserId,
    events::Effect,
    issues::IssueId,
    projects::ProjectId,
    protocol::{EventId, tags},
    releases::{Release, order::newest},
};

pub use store::{Window, windows};

/// An event, as far as rules care, in the order in which a batch has them.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    pub project: ProjectId,
    pub event: EventId,
    pub issue: IssueId,
    pub effect: Effect,
    pub occurred_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    /// The numbers of its tags; 0 without one.
    pub environment: i64,
    pub user: i64,
    pub release: Option<&'a str>,
    /// The project's rules, and of each what the event alone says of its terms.
    pub rules: &'a Arc<Vec<Rule>>,
    pub bits: &'a [u64],
}

/// A rule that is met, and by what.
#[derive(Clone, Debug, PartialEq)]
pub struct Fire {
    pub project: ProjectId,
    pub rule: RuleId,
    pub issue: IssueId,
    pub event: EventId,
    pub news: News,
    pub at: DateTime<Utc>,
    pub actions: Vec<Action>,
}

/// A window of time of an issue: its seconds, and the number of the environment or 0 for all.
pub type WindowKey = (IssueId, i64, i64);

/// What is known beyond the events themselves.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// When events of an issue happened, and to which user; latest first, and no more than a decision needs.
    pub windows: HashMap<WindowKey, Vec<(DateTime<Utc>, i64)>>,
    pub issues: HashMap<IssueId, IssueFacts>,
    /// Latest first.
    pub releases: HashMap<ProjectId, Vec<Release>>,
    /// The event with which an issue came to an environment.
    pub first_in: HashMap<(IssueId, i64), EventId>,
}

/// What is known of an issue.
#[derive(Clone, Debug, Default)]
pub struct IssueFacts {
    pub first_seen: DateTime<Utc>,
    /// With all of the batch.
    pub times_seen: i64,
    pub assigned: Option<Assigned>,
}

/// Who sees to an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assigned {
    Member(UserId),
    Team(i64),
}

/// When a rule last told of an issue.
pub type Last = HashMap<(RuleId, IssueId), DateTime<Utc>>;

/// Decides which rules the events of a batch meet, asks for what that takes, and writes down who is to be told.
pub async fn fire(
    tx: &mut Transaction<'_, Postgres>,
    candidates: &[Candidate<'_>],
    now: DateTime<Utc>,
) -> sqlx::Result<usize> {
    let pending = pending(candidates, now);
    if pending.is_empty() {
        return Ok(0);
    }
    let mut last = store::last(tx, &pending).await?;
    let facts = ask(tx, candidates, &open(candidates, pending, &last)).await?;
    let fires = decide(candidates, &facts, &mut last, now);
    if fires.is_empty() {
        return Ok(0);
    }
    store::note(tx, &fires).await?;
    store::tell_members(tx, &fires, now).await?;
    store::tell_channels(tx, &fires, now).await?;
    Ok(fires.len())
}

/// What would have fired, had the rules been there from the first of these events on. Nothing is written.
pub async fn rehearse(db: &PgPool, candidates: &[Candidate<'_>], now: DateTime<Utc>) -> sqlx::Result<Vec<Fire>> {
    let mut tx = db.begin().await?;
    let facts = ask(&mut tx, candidates, &pending(candidates, now)).await?;
    tx.rollback().await?;
    Ok(decide(candidates, &facts, &mut Last::new(), now))
}

/// An event and a rule that it may meet.
#[derive(Clone, Copy, Debug)]
struct Pending<'a> {
    at: usize,
    candidate: &'a Candidate<'a>,
    rule: &'a Rule,
}

/// What the events alone do not rule out. Of a rule whose terms are all about new issues and those that come back, that is
/// nothing for almost every event.
fn pending<'a>(candidates: &'a [Candidate<'a>], now: DateTime<Utc>) -> Vec<Pending<'a>> {
    let mut pending = Vec::new();
    for (at, candidate) in candidates.iter().enumerate() {
        for (nth, rule) in candidate.rules.iter().enumerate() {
            let bits = candidate.bits.get(nth).copied().unwrap_or(0);
            if !rule.is_muted(now)
                && candidate.is_in(rule)
                && rule.judge(|term, of| candidate.sees(rule, (term, of), bits)) != Truth::No
            {
                pending.push(Pending { at, candidate, rule });
            }
        }
    }
    pending
}

/// Those that the interval of their rule does not silence already.
fn open<'a>(candidates: &[Candidate<'_>], pending: Vec<Pending<'a>>, last: &Last) -> Vec<Pending<'a>> {
    let is_silent = |one: &Pending<'_>| {
        let candidate = &candidates[one.at];
        is_silent(one.rule, candidate, last)
    };
    pending.into_iter().filter(|one| !is_silent(one)).collect()
}

fn is_silent(rule: &Rule, candidate: &Candidate<'_>, last: &Last) -> bool {
    rule.frequency > 0
        && last.get(&(rule.id, candidate.issue)).is_some_and(|last| candidate.received_at < *last + rule.interval())
}

impl Candidate<'_> {
    /// Whether it is of the rule's environment.
    fn is_in(&self, rule: &Rule) -> bool {
        rule.environment.as_ref().is_none_or(|_| self.environment == environment(rule))
    }

    /// What is known of a term without asking.
    fn sees(&self, rule: &Rule, (at, term): (usize, &Term), bits: u64) -> Truth {
        match term {
            _ if term.reads_events() => Truth::from(matches!(term, Term::EveryEvent) || bits >> at & 1 == 1),
            Term::FirstSeen if rule.environment.is_none() => Truth::from(self.effect == Effect::CreatedIssue),
            Term::Regression => Truth::from(self.effect == Effect::Regressed),
            Term::Reappeared => Truth::from(self.effect == Effect::Unignored),
            _ => Truth::Unknown,
        }
    }

    fn news(&self) -> News {
        match self.effect {
            Effect::CreatedIssue => News::New,
            Effect::Regressed => News::Regressed,
            Effect::Unignored => News::Unignored,
            Effect::Counted => News::Happened,
        }
    }
}

/// The number of the rule's environment, as events have it; 0 where it has none.
fn environment(rule: &Rule) -> i64 {
    rule.environment.as_ref().map_or(0, |name| tags::number(rule.project.0, "environment", name))
}

/// Which rules are met, in the order of the events; what is silenced by an earlier event of the batch is left out.
pub fn decide(candidates: &[Candidate<'_>], facts: &Facts, last: &mut Last, now: DateTime<Utc>) -> Vec<Fire> {
    let later = later_events(candidates);
    let mut fires = Vec::new();
    let mut pending = pending(candidates, now);
    // A batch is in the order of its issues; rules go by time.
    pending.sort_by_key(|one| (one.candidate.received_at, one.candidate.occurred_at, one.at));
    for Pending { at, candidate, rule } in pending {
        if is_silent(rule, candidate, last) {
            continue;
        }
        let nth = candidate.rules.iter().position(|of| of.id == rule.id).unwrap_or(0);
        let bits = candidate.bits.get(nth).copied().unwrap_or(0);
        let knows = |place: usize, term: &Term| match candidate.sees(rule, (place, term), bits) {
            Truth::Unknown => Truth::from(facts.hold(term, rule, candidate, later[at])),
            known => known,
        };
        if rule.judge(knows) == Truth::Yes {
            last.insert((rule.id, candidate.issue), candidate.received_at);
            fires.push(Fire {
                project: candidate.project,
                rule: rule.id,
                issue: candidate.issue,
                event: candidate.event,
                news: candidate.news(),
                at: candidate.received_at,
                actions: rule.actions.clone(),
            });
        }
    }
    fires
}

/// Of each event, how many of its issue come after it in the batch.
fn later_events(candidates: &[Candidate<'_>]) -> Vec<i64> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse((candidates[*at].received_at, candidates[*at].occurred_at, *at)));
    let (mut seen, mut later) = (HashMap::<IssueId, i64>::new(), vec![0; candidates.len()]);
    for at in order {
        let seen = seen.entry(candidates[at].issue).or_default();
        later[at] = *seen;
        *seen += 1;
    }
    later
}

impl Facts {
    /// Whether a term holds that the event alone does not decide. What is not known does not hold.
    fn hold(&self, term: &Term, rule: &Rule, candidate: &Candidate<'_>, later: i64) -> bool {
        let issue = self.issues.get(&candidate.issue);
        match term {
            Term::Events { more_than, seconds } => {
                self.within(candidate, rule, *seconds).count() > usize::try_from(*more_than).unwrap_or(usize::MAX)
            }
            Term::Users { more_than, seconds } => {
                let users: BTreeSet<i64> =
                    self.within(candidate, rule, *seconds).map(|(_, user)| *user).filter(|user| *user != 0).collect();
                users.len() > usize::try_from(*more_than).unwrap_or(usize::MAX)
            }
            Term::FirstSeen => self.first_in.get(&(candidate.issue, candidate.environment)) == Some(&candidate.event),
            Term::Age { order, seconds } => issue.is_some_and(|issue| {
                let age = candidate.received_at - issue.first_seen;
                if *order == Order::AtLeast {
                    age > TimeDelta::seconds(*seconds)
                } else {
                    age < TimeDelta::seconds(*seconds)
                }
            }),
            Term::Occurrences { at_least } => issue.is_some_and(|issue| issue.times_seen - later >= *at_least),
            Term::Assigned(whom) => match (whom, issue.and_then(|issue| issue.assigned)) {
                (Whom::Nobody, assigned) => assigned.is_none(),
                (Whom::Member(wanted), Some(Assigned::Member(assigned))) => *wanted == assigned,
                (Whom::Team(wanted), Some(Assigned::Team(assigned))) => *wanted == assigned,
                _ => false,
            },
            Term::LatestRelease => candidate.release.is_some_and(|version| {
                let known = self.releases.get(&candidate.project).map(Vec::as_slice).unwrap_or_default();
                let then = known.iter().filter(|release| release.created_at <= candidate.received_at);
                newest(then.cloned().collect()).is_some_and(|newest| newest.version == version)
            }),
            _ => false,
        }
    }

    fn within<'a>(
        &'a self,
        candidate: &Candidate<'_>,
        rule: &Rule,
        seconds: i64,
    ) -> impl Iterator<Item = &'a (DateTime<Utc>, i64)> {
        let until = candidate.occurred_at;
        let since = until - TimeDelta::seconds(seconds);
        let times =
            self.windows.get(&(candidate.issue, seconds, environment(rule))).map(Vec::as_slice).unwrap_or_default();
        times.iter().filter(move |(at, _)| *at > since && *at <= until)
    }
}

async fn ask(
    tx: &mut Transaction<'_, Postgres>,
    candidates: &[Candidate<'_>],
    pending: &[Pending<'_>],
) -> sqlx::Result<Facts> {
    let mut facts = Facts::default();
    let unknown = |one: &Pending<'_>, wanted: fn(&Term) -> bool| one.rule.terms().any(wanted);
    let issues = |wanted: fn(&Term) -> bool| -> BTreeSet<(ProjectId, IssueId)> {
        let asked = pending.iter().filter(|one| unknown(one, wanted));
        asked.map(|one| (one.candidate.project, one.candidate.issue)).collect()
    };
    let windows = wanted_windows(candidates, pending);
    if !windows.is_empty() {
        facts.windows = store::windows(&mut **tx, &windows).await?;
    }
    let of_issues = issues(|term| matches!(term, Term::Age { .. } | Term::Occurrences { .. } | Term::Assigned(_)));
    if !of_issues.is_empty() {
        facts.issues = store::issues(tx, &of_issues).await?;
    }
    let projects: BTreeSet<ProjectId> =
        issues(|term| *term == Term::LatestRelease).into_iter().map(|(project, _)| project).collect();
    for project in projects {
        facts.releases.insert(project, crate::releases::store::latest(&mut **tx, project).await?);
    }
    let in_environments: BTreeSet<(ProjectId, IssueId, i64)> = pending
        .iter()
        .filter(|one| one.rule.environment.is_some() && unknown(one, |term| *term == Term::FirstSeen))
        .map(|one| (one.candidate.project, one.candidate.issue, one.candidate.environment))
        .collect();
    if !in_environments.is_empty() {
        let counted = store::counted_in(tx, &in_environments).await?;
        facts.first_in = first_in(candidates, &counted);
    }
    Ok(facts)
}

/// An issue is new to an environment with the first event of the batch if it has none but those of the batch there.
fn first_in(candidates: &[Candidate<'_>], counted: &HashMap<(IssueId, i64), i64>) -> HashMap<(IssueId, i64), EventId> {
    let mut batch: BTreeMap<(IssueId, i64), Vec<&Candidate<'_>>> = BTreeMap::new();
    for candidate in candidates {
        batch.entry((candidate.issue, candidate.environment)).or_default().push(candidate);
    }
    let mut first = HashMap::new();
    for (key, events) in batch {
        if counted.get(&key) == Some(&i64::try_from(events.len()).unwrap_or(i64::MAX)) {
            let event = events.iter().min_by_key(|event| (event.received_at, event.occurred_at));
            first.extend(event.map(|event| (key, event.event)));
        }
    }
    first
}

/// The windows that decide something: as many events of each as may be too many, for the earliest event that asks.
fn wanted_windows(candidates: &[Candidate<'_>], pending: &[Pending<'_>]) -> Vec<Window> {
    let mut sizes: HashMap<IssueId, i64> = HashMap::new();
    for candidate in candidates {
        *sizes.entry(candidate.issue).or_default() += 1;
    }
    let mut windows: BTreeMap<WindowKey, Window> = BTreeMap::new();
    for Pending { candidate, rule, .. } in pending {
        for term in rule.terms() {
            let (seconds, most) = match term {
                Term::Events { more_than, seconds } => (*seconds, more_than + 1 + sizes[&candidate.issue]),
                Term::Users { seconds, .. } => (*seconds, store::MOST_LOOKED_AT),
                _ => continue,
            };
            let since = candidate.occurred_at - TimeDelta::seconds(seconds);
            let environment = environment(rule);
            let key = (candidate.issue, seconds, environment);
            let window = windows.entry(key).or_insert(Window { project: candidate.project, key, since, most });
            window.since = window.since.min(since);
            window.most = window.most.max(most);
        }
    }
    windows.into_values().collect()
}

#[cfg(test)]
mod tests;
