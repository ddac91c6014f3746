//! What people and programs are told, at each turn of an instance's life.

use crate::instance::{JobPhase, Phase};
use crate::resources::GatewayApi;
use crate::status::first_sight;
use crate::testing::{BAD_MAIL, BAD_PASSWORD, Shop, at, instance};
use crate::validate::SecretKeyFound;

#[test]
fn at_first_sight_nothing_is_known() {
    let status = first_sight(&instance(), at(0));
    let ready = &status.conditions[0];
    assert_eq!((ready.type_.as_str(), ready.status.as_str()), ("Ready", "Unknown"));
    assert!(status.conditions.iter().all(|condition| condition.observed_generation == Some(1)));
}

#[test]
fn each_phase_follows_the_one_before() {
    let mut shop = Shop::new();
    shop.step();
    assert_eq!(shop.status().phase, Some(Phase::Preflight));
    shop.preflight_succeeds();
    assert_eq!(shop.status().phase, Some(Phase::Migrating));
    shop.migration_succeeds();
    assert_eq!(shop.status().phase, Some(Phase::RollingOut));
    assert_eq!(
        (shop.condition("Ready"), shop.condition("Reconciling")),
        ("False RollingOut".into(), "True RollingOut".into())
    );
    shop.pods_become_ready();
    assert_eq!(
        (shop.condition("Ready"), shop.condition("Reconciling")),
        ("True Running".into(), "False Running".into())
    );
    assert_eq!(shop.condition("Stalled"), "False Running");
}

#[test]
fn nothing_new_is_nothing_to_write_whatever_the_time() {
    let mut shop = Shop::running();
    let before = shop.status().clone();
    shop.now = at(86_400);
    shop.step();
    assert_eq!(*shop.status(), before);
}

#[test]
fn trap_1_a_lost_secret_key_stops_everything_but_the_pods() {
    let mut shop = Shop::running();
    let running = shop.last.rolled_out.clone();
    shop.secret_key = SecretKeyFound::Lost { secret: "shop-secret-key".to_owned() };
    shop.step();
    assert_eq!(shop.condition("SecretKeyReady"), "False SecretKeyLost");
    assert_eq!(
        (shop.condition("Stalled"), shop.condition("Available")),
        ("True Stalled".into(), "True PodsAvailable".into())
    );
    assert_eq!((&shop.last.rolled_out, shop.desired.deployments.len()), (&running, 3));
}

#[test]
fn a_wrong_password_names_itself_and_a_running_instance_stays_available() {
    let mut shop = Shop::running();
    shop.password("wrong");
    shop.step();
    assert_eq!(shop.condition("DatabaseReady"), "Unknown Checking");
    shop.preflight_fails(BAD_PASSWORD);
    assert_eq!(shop.condition("DatabaseReady"), "False AuthenticationFailed");
    assert_eq!(
        shop.find("DatabaseReady").map(|it| it.message.as_str()),
        Some("fix the password; the pods keep the settings that worked")
    );
    assert_eq!(
        (shop.condition("Ready"), shop.condition("Available")),
        ("False Degraded".into(), "True PodsAvailable".into())
    );
}

#[test]
fn a_condition_does_not_flap_while_a_failed_preflight_is_tried_again() {
    let mut shop = Shop::new();
    shop.step();
    shop.preflight_fails(BAD_PASSWORD);
    let failed = shop.find("DatabaseReady").cloned();
    shop.now = at(10);
    shop.step();
    assert_eq!(shop.last.preflight.as_ref().map(|it| it.phase), Some(JobPhase::Running));
    assert_eq!(shop.find("DatabaseReady"), failed.as_ref());
    assert_eq!(shop.status().phase, Some(Phase::PreflightFailed));
}

#[test]
fn a_preflight_without_a_report_is_told_in_its_own_words() {
    let mut shop = Shop::new();
    shop.step();
    shop.preflight_fails("OOMKilled: exit code 137");
    assert_eq!(shop.condition("DatabaseReady"), "False PreflightFailed");
    assert_eq!(shop.find("RedisReady").map(|it| it.message.as_str()), Some("OOMKilled: exit code 137"));
}

#[test]
fn trap_9_a_missing_secret_and_a_missing_key_are_states_that_wait() {
    let mut shop = Shop::new();
    let secret = shop.secrets.remove("shop-postgresql").expect("it was there");
    shop.step();
    assert_eq!(
        (shop.condition("DatabaseReady"), shop.status().phase),
        ("False SecretNotFound".into(), Some(Phase::WaitingForSecret))
    );
    let without = secret.into_iter().filter(|(key, _)| key != "password").collect();
    shop.secrets.insert("shop-postgresql".to_owned(), without);
    shop.step();
    assert_eq!(shop.condition("DatabaseReady"), "False SecretKeyMissing");
    assert_eq!(shop.condition("Stalled"), "False WaitingForSecret");
}

#[test]
fn mail_that_does_not_work_degrades_but_leaves_the_instance_ready() {
    let mut shop = Shop::new();
    shop.step();
    shop.preflight_fails(BAD_MAIL);
    shop.migration_succeeds();
    shop.pods_become_ready();
    assert_eq!(
        (shop.condition("Ready"), shop.condition("MailReady")),
        ("True Degraded".into(), "False AuthRejected".into())
    );
}

#[test]
fn a_failed_migration_stalls_and_says_why() {
    let mut shop = Shop::running();
    shop.tag("next");
    shop.step();
    shop.preflight_succeeds();
    assert_eq!(shop.condition("MigrationsApplied"), "False Running");
    shop.migration_fails("migration 0007: 42501 permission denied");
    assert_eq!(
        (shop.condition("MigrationsApplied"), shop.condition("Stalled")),
        ("False Failed".into(), "True MigrationFailed".into())
    );
    assert!(shop.find("Ready").is_some_and(|ready| ready.message.contains("42501")));
}

#[test]
fn trap_15_a_missing_gateway_api_is_said_and_later_forgotten() {
    let mut shop = Shop::running();
    let routing = r#"{"gateway": {"parentRefs": [{"name": "public"}]}}"#;
    shop.instance.spec.routing = serde_json::from_str(routing).expect("a routing");
    shop.step();
    assert_eq!(
        (shop.condition("RouteReady"), shop.condition("Ready")),
        ("False GatewayApiMissing".into(), "False Degraded".into())
    );
    shop.gateway = GatewayApi::Installed;
    shop.step();
    assert_eq!(
        (shop.condition("RouteReady"), shop.condition("Ready")),
        ("Unknown Pending".into(), "True Running".into())
    );
}

#[test]
fn a_scaler_can_read_the_workers_before_there_are_any() {
    let mut shop = Shop::new();
    shop.step();
    let worker = shop.status().worker.clone().expect("always there");
    assert_eq!(worker.selector.as_deref(), Some("app.kubernetes.io/component=worker,picket.dev/instance=shop"));
}
