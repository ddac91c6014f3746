//! The releases of a batch.

use std::collections::BTreeMap;

use super::Tx;
use crate::{
    events::process::Prepared,
    releases::store::{self, Seen},
};

/// Makes the releases that are new.
pub(super) async fn note_releases(tx: &mut Tx<'_>, fresh: &[&Prepared]) -> sqlx::Result<()> {
    let mut seen: BTreeMap<(i64, &str), Seen> = BTreeMap::new();
    for event in fresh {
        let Some(version) = event.release() else { continue };
        let (project, at) = (event.received.project, event.occurred_at);
        let release = seen.entry((project.0, version)).or_insert(Seen {
            project,
            version,
            received_at: event.received.received_at,
            first: at,
            last: at,
        });
        release.received_at = release.received_at.min(event.received.received_at);
        release.first = release.first.min(at);
        release.last = release.last.max(at);
    }
    if seen.is_empty() {
        return Ok(());
    }
    let seen: Vec<Seen> = seen.into_values().collect();
    store::note(&mut **tx, &seen).await
}
