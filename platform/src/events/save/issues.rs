//! The issues of a batch: found by fingerprint, or created, then locked in order.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::DateTime;
use sqlx::types::Json;

use crate::{
    events::prepare::Prepared,
    issues::{IssueId, Status, lifecycle::Decision},
    projects::ProjectId,
    protocol::fingerprint::Fingerprint,
};

use super::Tx;

/// The issue of each fingerprint.
pub(super) type Issues = BTreeMap<(ProjectId, Fingerprint), IssueId>;

/// Finds the issues of a batch, and creates those that are new.
pub(super) async fn find_or_create_issues(tx: &mut Tx<'_>, fresh: &[&Prepared]) -> sqlx::Result<Issues> {
    let wanted: BTreeMap<(ProjectId, Fingerprint), &Prepared> =
        fresh.iter().rev().map(|event| ((event.received.project, event.fingerprint), *event)).collect();
    let keys: Vec<_> = wanted.keys().copied().collect();
    let mut issues = find_issues(tx, &keys).await?;
    let missing: Vec<_> = keys.into_iter().filter(|key| !issues.contains_key(key)).collect();
    if missing.is_empty() {
        return Ok(issues);
    }
    let former = former_issues(tx, fresh, &missing).await?;
    let linked = link_fingerprints(tx, &former).await?;
    let unknown: Vec<_> = missing.iter().filter(|key| !former.contains_key(key)).copied().collect();
    let claimed = claim_fingerprints(tx, &unknown).await?;
    create_issues(tx, &claimed, &wanted).await?;
    // What another worker claimed first is committed by now: claiming waited for it.
    let is_beaten = |key: &(ProjectId, Fingerprint)| !claimed.contains_key(key) && !linked.contains_key(key);
    let beaten: Vec<_> = missing.into_iter().filter(is_beaten).collect();
    issues.extend(find_issues(tx, &beaten).await?);
    issues.extend(claimed);
    issues.extend(linked);
    Ok(issues)
}

/// The issues that events with a new fingerprint have by that of the project's former version; nothing is asked where no
/// project is on its way from one to the other.
async fn former_issues(
    tx: &mut Tx<'_>,
    fresh: &[&Prepared],
    missing: &[(ProjectId, Fingerprint)],
) -> sqlx::Result<Issues> {
    let missing: BTreeSet<_> = missing.iter().copied().collect();
    let both = |event: &&Prepared| {
        let project = event.received.project;
        Some(((project, event.fingerprint), (project, event.former?)))
    };
    let both: Vec<_> = fresh.iter().filter_map(both).filter(|(key, _)| missing.contains(key)).collect();
    if both.is_empty() {
        return Ok(Issues::new());
    }
    let keys: BTreeSet<_> = both.iter().map(|(_, former)| *former).collect();
    let found = find_issues(tx, &keys.into_iter().collect::<Vec<_>>()).await?;
    let known = both.into_iter().rev().filter_map(|(key, former)| Some((key, *found.get(&former)?)));
    Ok(known.collect())
}

/// Gives issues one more fingerprint each, and says which were nobody's.
async fn link_fingerprints(tx: &mut Tx<'_>, links: &Issues) -> sqlx::Result<Issues> {
    if links.is_empty() {
        return Ok(Issues::new());
    }
    let keys: Vec<_> = links.keys().copied().collect();
    let (projects, fingerprints) = columns(&keys);
    let rows = sqlx::query!(
        r#"insert into issue_hashes (project_id, fingerprint, issue_id)
           select project_id, fingerprint, issue_id
           from unnest($1::bigint[], $2::bytea[], $3::bigint[]) as linked (project_id, fingerprint, issue_id)
           order by project_id, fingerprint
           on conflict do nothing
           returning project_id, fingerprint, issue_id"#,
        &projects,
        &fingerprints,
        &links.values().map(|issue| issue.0).collect::<Vec<_>>(),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.project_id, stored_fingerprint(&row.fingerprint)), row.issue_id)).collect())
}

async fn find_issues(tx: &mut Tx<'_>, keys: &[(ProjectId, Fingerprint)]) -> sqlx::Result<Issues> {
    let (projects, fingerprints) = columns(keys);
    let rows = sqlx::query!(
        r#"select h.project_id, h.fingerprint, h.issue_id
           from unnest($1::bigint[], $2::bytea[]) as asked (project_id, fingerprint)
           join issue_hashes h on h.project_id = asked.project_id and h.fingerprint = asked.fingerprint"#,
        &projects,
        &fingerprints,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.project_id, stored_fingerprint(&row.fingerprint)), row.issue_id)).collect())
}

/// Takes the fingerprints nobody has yet, each with a new issue's number.
async fn claim_fingerprints(tx: &mut Tx<'_>, keys: &[(ProjectId, Fingerprint)]) -> sqlx::Result<Issues> {
    let (projects, fingerprints) = columns(keys);
    let rows = sqlx::query!(
        r#"insert into issue_hashes (project_id, fingerprint, issue_id)
           select project_id, fingerprint, nextval('issue_ids')
           from unnest($1::bigint[], $2::bytea[]) as asked (project_id, fingerprint)
           order by project_id, fingerprint
           on conflict do nothing
           returning project_id, fingerprint, issue_id"#,
        &projects,
        &fingerprints,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.project_id, stored_fingerprint(&row.fingerprint)), row.issue_id)).collect())
}

fn columns(keys: &[(ProjectId, Fingerprint)]) -> (Vec<i64>, Vec<Vec<u8>>) {
    keys.iter().map(|(project, fingerprint)| (project.0, fingerprint.0.to_vec())).unzip()
}

fn stored_fingerprint(bytes: &[u8]) -> Fingerprint {
    Fingerprint(bytes.try_into().expect("a check constraint holds fingerprints at 16 bytes"))
}

async fn create_issues(
    tx: &mut Tx<'_>,
    claimed: &Issues,
    wanted: &BTreeMap<(ProjectId, Fingerprint), &Prepared>,
) -> sqlx::Result<()> {
    let mut next = next_short_ids(tx, claimed).await?;
    let first: Vec<&Prepared> = claimed.keys().map(|key| wanted[key]).collect();
    let short_ids: Vec<i64> = first
        .iter()
        .map(|event| {
            let next = next.entry(event.received.project).or_default();
            *next += 1;
            *next - 1
        })
        .collect();
    sqlx::query!(
        r#"insert into issues (project_id, id, short_id, title, culprit, kind, level, platform, first_seen, last_seen)
           select *, occurred_at from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[],
                                $7::smallint[], $8::text[], $9::timestamptz[])
               as new (project_id, id, short_id, title, culprit, kind, level, platform, occurred_at)"#,
        &first.iter().map(|event| event.received.project.0).collect::<Vec<_>>(),
        &claimed.values().map(|id| id.0).collect::<Vec<_>>(),
        &short_ids,
        &first.iter().map(|event| event.title.clone()).collect::<Vec<_>>(),
        &first.iter().map(|event| event.culprit.clone()).collect::<Vec<_>>(),
        &first.iter().map(|event| event.kind.to_owned()).collect::<Vec<_>>(),
        &first.iter().map(|event| event.level as i16).collect::<Vec<_>>(),
        &first.iter().map(|event| event.platform.clone()).collect::<Vec<_>>(),
        &first.iter().map(|event| event.occurred_at).collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Reserves a run of short ids per project and returns the first of each.
async fn next_short_ids(tx: &mut Tx<'_>, claimed: &Issues) -> sqlx::Result<HashMap<ProjectId, i64>> {
    let mut needed: BTreeMap<i64, i64> = BTreeMap::new();
    for (project, _) in claimed.keys() {
        *needed.entry(project.0).or_default() += 1;
    }
    let (projects, counts): (Vec<i64>, Vec<i64>) = needed.into_iter().unzip();
    let rows = sqlx::query!(
        r#"with locked as (
               select p.id, n.needed from projects p
               join unnest($1::bigint[], $2::bigint[]) as n (id, needed) on n.id = p.id
               order by p.id for update of p
           )
           update projects set next_short_id = next_short_id + locked.needed
           from locked where projects.id = locked.id
           returning projects.id, projects.next_short_id - locked.needed as "first!""#,
        &projects,
        &counts,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.first)).collect())
}

/// An issue, as it was before the batch.
pub(super) struct Locked {
    pub is_new: bool,
    pub decision: Decision,
}

/// Locks the batch's issues, in order. One that was deleted meanwhile is not among them.
pub(super) async fn lock_issues(tx: &mut Tx<'_>, issues: &Issues) -> sqlx::Result<HashMap<IssueId, Locked>> {
    let keys: BTreeSet<(i64, i64)> = issues.iter().map(|((project, _), issue)| (project.0, issue.0)).collect();
    let (projects, ids): (Vec<i64>, Vec<i64>) = keys.into_iter().unzip();
    let rows = sqlx::query!(
        r#"select i.id, i.status, i.decision as "decision: Json<Decision>", i.times_seen from issues i
           join unnest($1::bigint[], $2::bigint[]) as asked (project_id, id) on i.project_id = asked.project_id and i.id = asked.id
           order by i.project_id, i.id for update of i"#,
        &projects,
        &ids,
    )
    .fetch_all(&mut **tx)
    .await?;
    let locked = |row_decision: Option<Json<Decision>>, status: Status| {
        row_decision.map_or_else(|| Decision::of(status, DateTime::UNIX_EPOCH), |decision| decision.0)
    };
    Ok(rows
        .into_iter()
        .map(|row| (row.id, Locked { is_new: row.times_seen == 0, decision: locked(row.decision, row.status) }))
        .collect())
}

/// The issues of the batch that are discarded: their fingerprints are all there is of them.
///
/// # Errors
/// [`sqlx::Error::RowNotFound`] when an issue was deleted or merged since its fingerprint was looked up: the batch begins again.
pub(super) async fn discarded_issues(
    tx: &mut Tx<'_>,
    issues: &Issues,
    locked: &HashMap<IssueId, Locked>,
) -> sqlx::Result<BTreeSet<IssueId>> {
    let missing: BTreeSet<(i64, i64)> = issues
        .iter()
        .filter(|(_, issue)| !locked.contains_key(issue))
        .map(|((project, _), issue)| (project.0, issue.0))
        .collect();
    if missing.is_empty() {
        return Ok(BTreeSet::new());
    }
    let count = missing.len();
    let (projects, ids): (Vec<i64>, Vec<i64>) = missing.into_iter().unzip();
    let found = sqlx::query_scalar!(
        r#"select d.id from discarded_issues d
           join unnest($1::bigint[], $2::bigint[]) as asked (project_id, id) on d.project_id = asked.project_id and d.id = asked.id"#,
        &projects,
        &ids,
    )
    .fetch_all(&mut **tx)
    .await?;
    if found.len() == count { Ok(found.into_iter().map(IssueId).collect()) } else { Err(sqlx::Error::RowNotFound) }
}
