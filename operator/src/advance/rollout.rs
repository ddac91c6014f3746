//! What the Deployments are told to run, and why that changed.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::Known;
use crate::instance::{JobPhase, MigrationStatus, RolledOut, RolloutStatus, Snapshots};

/// What to roll out. Before the migration succeeded that is the image from before, on the database from before; verified
/// settings, rotated credentials among them, do not wait for it.
pub fn advance(known: &Known, verified: &Snapshots, migration: &MigrationStatus) -> Option<RolledOut> {
    let whole = verified.core.is_some() && verified.database.is_some() && verified.redis.is_some();
    let valid = known.valid;
    if migration.phase == JobPhase::Succeeded && whole {
        return Some(RolledOut {
            revision: valid.revision.clone(),
            image: valid.image.reference.clone(),
            database_target: valid.database_target.clone(),
            snapshots: verified.clone(),
        });
    }
    let mut kept = known.before.rolled_out.clone()?;
    let old = kept.snapshots.clone();
    kept.snapshots = Snapshots {
        core: verified.core.clone().or(old.core),
        database: verified.database.clone().filter(|_| kept.database_target == valid.database_target).or(old.database),
        redis: verified.redis.clone().or(old.redis),
        mail: verified.mail.clone(),
    };
    Some(kept)
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
    let concerns = [
        ("secret key, public URL or time zone", &old.core, &new.core),
        ("database settings", &old.database, &new.database),
        ("redis settings", &old.redis, &new.redis),
        ("mail settings", &old.mail, &new.mail),
    ];
    changes.extend(concerns.iter().filter(|(_, old, new)| old != new).map(|(words, _, _)| (*words).to_owned()));
    if changes.is_empty() {
        return last;
    }
    Some(RolloutStatus { cause: changes.join(", "), started_at: Time(known.now) })
}
