//! Stories of an instance's life, one step at a time, without a cluster: what a trap of operators does to the decisions.

use crate::instance::{Concern, JobPhase};
use crate::testing::{BAD_MAIL, BAD_PASSWORD, Shop, at, failed};

#[test]
fn settings_are_tried_then_the_database_is_migrated_then_pods_come() {
    let mut shop = Shop::new();
    shop.step();
    assert_eq!((shop.last.preflight.as_ref().unwrap().phase, shop.migration()), (JobPhase::Running, JobPhase::Pending));
    shop.preflight_succeeds();
    assert_eq!(shop.migration(), JobPhase::Running);
    assert_eq!(shop.last.rolled_out, None);
    shop.migration_succeeds();
    assert_eq!(shop.running_image(), "picket:dev");
    assert_eq!(shop.last.rollout.as_ref().unwrap().cause, "first installation");
    assert_eq!(shop.last.look_again, None);
}

#[test]
fn trap_2_a_rotated_password_is_tried_and_rolled_out_without_a_migration() {
    let mut shop = Shop::running();
    let before = shop.last.clone();
    shop.password("second");
    shop.step();
    assert_eq!(shop.last.rolled_out, before.rolled_out);
    shop.preflight_succeeds();
    assert_eq!(shop.last.migration, before.migration);
    assert_ne!(shop.last.rolled_out, before.rolled_out);
    assert_eq!(shop.last.rollout.as_ref().unwrap().cause, "database settings");
}

#[test]
fn trap_3_jobs_that_their_time_to_live_removed_are_not_run_again() {
    let mut shop = Shop::running();
    let before = shop.last.clone();
    shop.jobs.clear();
    assert_eq!(*shop.step(), before);
}

#[test]
fn trap_4_a_migration_that_ended_while_the_operator_was_away_is_noticed_once() {
    let mut shop = Shop::new();
    shop.step();
    shop.preflight_succeeds();
    let unaware = shop.instance.clone();
    shop.migration_succeeds();
    let aware = shop.last.clone();
    shop.instance = unaware;
    assert_eq!(*shop.step(), aware);
    assert_eq!(*shop.step(), aware);
}

#[test]
fn trap_5_going_back_during_a_migration_needs_no_migration() {
    let mut shop = Shop::running();
    shop.tag("next");
    shop.step();
    shop.preflight_succeeds();
    assert_eq!((shop.migration(), shop.running_image()), (JobPhase::Running, "picket:dev"));
    shop.tag("dev");
    shop.step();
    assert_eq!((shop.migration(), shop.running_image()), (JobPhase::Succeeded, "picket:dev"));
    shop.tag("next");
    shop.step();
    assert_eq!(shop.running_image(), "picket:dev");
    assert_ne!(shop.migration(), JobPhase::Succeeded);
}

#[test]
fn trap_10_a_key_that_nobody_uses_changes_nothing() {
    let mut shop = Shop::running();
    let before = shop.last.clone();
    shop.secrets.get_mut("shop-postgresql").unwrap().insert("comment".to_owned(), b"rotated weekly".to_vec());
    assert_eq!(*shop.step(), before);
}

#[test]
fn a_failed_migration_keeps_what_runs_until_the_image_changes_or_somebody_says_again() {
    let mut shop = Shop::running();
    shop.tag("next");
    shop.step();
    shop.preflight_succeeds();
    let job = shop.last.migration.as_ref().unwrap().job_name.clone();
    shop.jobs.push(failed(&job, "0042 needs a lock: 55P03"));
    shop.step();
    shop.jobs.clear();
    shop.step();
    assert_eq!((shop.migration(), shop.running_image()), (JobPhase::Failed, "picket:dev"));
    assert_eq!(shop.last.migration.as_ref().unwrap().last_error.as_deref(), Some("0042 needs a lock: 55P03"));
    let again = ("picket.dev/retry-migration".to_owned(), "1".to_owned());
    shop.instance.metadata.annotations = Some([again].into());
    shop.step();
    assert_eq!(shop.migration(), JobPhase::Running);
}

#[test]
fn a_password_that_does_not_work_reaches_no_pod_and_is_tried_again_ever_more_rarely() {
    let mut shop = Shop::running();
    let before = shop.last.clone();
    shop.password("wrong");
    shop.step();
    shop.preflight_fails(BAD_PASSWORD);
    assert_eq!((&shop.last.rolled_out, &shop.last.verified), (&before.rolled_out, &before.verified));
    assert_eq!(shop.last.look_again.unwrap().as_secs(), 10);
    shop.now = at(10);
    let second = shop.step().preflight.clone().unwrap();
    assert_eq!((second.attempt, second.phase), (2, JobPhase::Running));
    assert_eq!(second.checks[0].reason.as_deref(), Some("AuthenticationFailed"));
    shop.preflight_fails(BAD_PASSWORD);
    assert_eq!(shop.last.look_again.unwrap().as_secs(), 10);
    shop.password("right");
    shop.step();
    assert_eq!(shop.last.preflight.as_ref().unwrap().attempt, 1);
    shop.preflight_succeeds();
    assert_ne!(shop.last.rolled_out, before.rolled_out);
}

#[test]
fn mail_that_does_not_work_holds_nothing_up() {
    let mut shop = Shop::new();
    shop.step();
    shop.preflight_fails(BAD_MAIL);
    assert_eq!(shop.migration(), JobPhase::Running);
    shop.migration_succeeds();
    let rolled_out = shop.last.rolled_out.clone().unwrap();
    assert_eq!(rolled_out.snapshots.get(Concern::Mail), None);
    assert!(rolled_out.snapshots.get(Concern::Database).is_some());
}

#[test]
fn trap_9_a_secret_that_comes_late_is_waited_for() {
    let mut shop = Shop::new();
    let late = shop.secrets.remove("shop-postgresql").unwrap();
    assert_eq!(shop.step().preflight, None);
    shop.secrets.insert("shop-postgresql".to_owned(), late);
    assert_eq!(shop.step().preflight.as_ref().unwrap().phase, JobPhase::Running);
}

#[test]
fn a_secret_that_is_taken_away_takes_nothing_from_the_pods() {
    let mut shop = Shop::running();
    let before = shop.last.clone();
    shop.secrets.remove("shop-postgresql");
    shop.step();
    assert_eq!(shop.last.rolled_out, before.rolled_out);
    assert!(shop.last.lost.is_empty());
}

#[test]
fn another_database_is_migrated_before_pods_see_it() {
    let mut shop = Shop::running();
    let before = shop.last.rolled_out.clone();
    shop.instance.spec.database.host = "elsewhere".to_owned();
    shop.step();
    shop.preflight_succeeds();
    assert_eq!((shop.migration(), &shop.last.rolled_out), (JobPhase::Running, &before));
    shop.migration_succeeds();
    assert_ne!(shop.last.rolled_out, before);
}

#[test]
fn a_change_of_mail_changes_the_mail_snapshot_alone() {
    let mut shop = Shop::running();
    let before = shop.last.rolled_out.clone().unwrap().snapshots;
    shop.instance.spec.mail.as_mut().unwrap().from = "other@example.com".to_owned();
    shop.step();
    shop.preflight_succeeds();
    let after = shop.last.rolled_out.clone().unwrap().snapshots;
    let changed = before.0.iter().filter(|(concern, name)| after.get(**concern) != Some(name.as_str()));
    assert_eq!(changed.map(|(concern, _)| *concern).collect::<Vec<_>>(), [Concern::Mail]);
    assert_eq!(shop.last.rollout.as_ref().unwrap().cause, "mail settings");
}

#[test]
fn pods_are_never_told_to_take_a_snapshot_that_is_gone() {
    let mut shop = Shop::running();
    let running = shop.last.rolled_out.clone();
    let database = shop.snapshot(Concern::Database);
    shop.password("wrong");
    shop.step();
    shop.preflight_fails(BAD_PASSWORD);
    shop.snapshots.remove(&database);
    shop.step();
    assert_eq!((shop.last.lost.len(), &shop.last.rolled_out), (1, &running));
}
