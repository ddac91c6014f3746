//! Who is hurt: adds the batch's users to the sets of their issues.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Placed, Tx};
use crate::protocol::distinct::Distinct;

/// By project and issue: how many users it has hurt, where that changed.
pub(super) type Counts = HashMap<(i64, i64), i64>;

/// Adds the users. The issues are locked, so nobody else changes their sets meanwhile.
pub(super) async fn add_users(tx: &mut Tx<'_>, placed: &[Placed<'_>]) -> sqlx::Result<Counts> {
    let mut seen: BTreeMap<(i64, i64), BTreeSet<i64>> = BTreeMap::new();
    for placed in placed.iter().filter(|placed| placed.user() != 0) {
        seen.entry((placed.event.received.project.0, placed.issue.0)).or_default().insert(placed.user());
    }
    if seen.is_empty() {
        return Ok(Counts::new());
    }
    let mut sets = find(tx, &seen).await?;
    let mut changed = BTreeMap::new();
    for (issue, users) in seen {
        let mut set = sets.remove(&issue).unwrap_or_default();
        let mut is_changed = false;
        for user in users {
            is_changed |= set.add(user.cast_unsigned());
        }
        if is_changed {
            changed.insert(issue, set);
        }
    }
    store(tx, &changed).await?;
    Ok(changed.into_iter().map(|(issue, set)| (issue, set.count())).collect())
}

async fn find(
    tx: &mut Tx<'_>,
    seen: &BTreeMap<(i64, i64), BTreeSet<i64>>,
) -> sqlx::Result<HashMap<(i64, i64), Distinct>> {
    let (projects, issues): (Vec<i64>, Vec<i64>) = seen.keys().copied().unzip();
    let rows = sqlx::query!(
        r#"select u.project_id as "project_id: i64", u.issue_id as "issue_id: i64", u.users
           from unnest($1::bigint[], $2::bigint[]) as asked (project_id, issue_id)
           join issue_users u on u.project_id = asked.project_id and u.issue_id = asked.issue_id"#,
        &projects,
        &issues,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.project_id, row.issue_id), Distinct::from_bytes(&row.users))).collect())
}

async fn store(tx: &mut Tx<'_>, changed: &BTreeMap<(i64, i64), Distinct>) -> sqlx::Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let (projects, issues): (Vec<i64>, Vec<i64>) = changed.keys().copied().unzip();
    sqlx::query!(
        r#"insert into issue_users (project_id, issue_id, users)
           select * from unnest($1::bigint[], $2::bigint[], $3::bytea[])
           on conflict (project_id, issue_id) do update set users = excluded.users"#,
        &projects,
        &issues,
        &changed.values().map(Distinct::to_bytes).collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
