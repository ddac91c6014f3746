//! What the Deployments are told to run, and why that changed.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::Known;
use crate::instance::{ComponentHashes, Concern, JobPhase, MigrationStatus, RolledOut, RolloutStatus, Snapshots};
use crate::resources::labels::Role;
use crate::resources::{component_hash, concern};

/// What to roll out. Before the migration succeeded that is the image from before, on the database from before; verified
/// settings, rotated credentials among them, do not wait for it.
pub fn advance(known: &Known, verified: &Snapshots, migration: &MigrationStatus) -> Option<RolledOut> {
    let has = |concern: Concern| verified.get(concern).is_some();
    let whole = has(Concern::Core) && has(Concern::Database) && has(Concern::Redis);
    let valid = known.valid;
    let components = components(known);
    if migration.phase == JobPhase::Succeeded && whole {
        return Some(RolledOut {
            revision: valid.revision.clone(),
            image: valid.image.reference.clone(),
            database_target: valid.database_target.clone(),
            snapshots: verified.clone(),
            components,
        });
    }
    let mut kept = known.before.rolled_out.clone()?;
    let mut snapshots = verified.clone();
    let needed = [Concern::Core, Concern::Database, Concern::Redis];
    if kept.database_target != valid.database_target {
        snapshots.0.remove(&Concern::Database);
    }
    for concern in needed.into_iter().filter(|concern| snapshots.get(*concern).is_none()).collect::<Vec<_>>() {
        snapshots.0.extend(kept.snapshots.get(concern).map(|name| (concern, name.to_owned())));
    }
    kept.snapshots = snapshots;
    kept.components = components;
    Some(kept)
}

fn components(known: &Known) -> ComponentHashes {
    let hash = |role: Role| component_hash(&known.instance.spec, role);
    ComponentHashes { web: hash(Role::Web), worker: hash(Role::Worker), cron: hash(Role::Cron) }
}

/// Why pods are replaced: what changed, in words. Unchanged, the last cause stands.
pub fn cause(known: &Known, after: Option<&RolledOut>) -> Option<RolloutStatus> {
    let last = known.before.rollout.clone();
    let Some(after) = after else { return last };
    let Some(before) = &known.before.rolled_out else {
        return Some(RolloutStatus { cause: "first installation".to_owned(), started_at: Time(known.now) });
    };
    let mut changes = Vec::new();
    if before.image != after.image {
        changes.push(format!("image {} → {}", before.image, after.image));
    }
    let (old, new) = (&before.snapshots, &after.snapshots);
    let all = old.0.keys().chain(new.0.keys()).copied().collect::<BTreeSet<_>>();
    let differ = all.into_iter().filter(|concern| old.get(*concern) != new.get(*concern));
    changes.extend(differ.map(|concern| concern::cause(concern).to_owned()));
    let (old, new) = (&before.components, &after.components);
    let components =
        [("web", &old.web, &new.web), ("worker", &old.worker, &new.worker), ("cron", &old.cron, &new.cron)];
    let differ = components.into_iter().filter(|(_, old, new)| !old.is_empty() && old != new);
    changes.extend(differ.map(|(component, _, _)| format!("pod settings of {component}")));
    if changes.is_empty() {
        return last;
    }
    Some(RolloutStatus { cause: changes.join(", "), started_at: Time(known.now) })
}
