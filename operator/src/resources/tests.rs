//! Golden objects: everything that `config/samples/sentryinstance.yaml` becomes, at each stage of its life.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Desired, GatewayApi, Keep, SnapshotsKept};
use crate::instance::Concern;
use crate::testing::{BAD_PASSWORD, Shop};

fn yaml(desired: &Desired) -> Value {
    let Desired { snapshots, jobs, deployments, services, budgets, ingresses, routes, claims, rejected, keep } =
        desired;
    let Keep { snapshots: kept, jobs: kept_jobs } = keep;
    let kept = match kept {
        SnapshotsKept::All => json!("all"),
        SnapshotsKept::Named(names) => json!(names),
    };
    json!({
        "snapshots": snapshots,
        "jobs": jobs,
        "deployments": deployments,
        "services": services,
        "budgets": budgets,
        "ingresses": ingresses,
        "routes": routes,
        "claims": claims,
        "rejected": rejected,
        "keptSnapshots": kept,
        "keptJobs": kept_jobs,
    })
}

fn text(value: &impl Serialize) -> String {
    serde_saphyr::to_string(value).expect("objects can be rendered")
}

#[test]
fn the_sample_at_first_sight_and_while_the_preflight_runs() {
    let mut shop = Shop::new();
    shop.step();
    insta::assert_snapshot!("preflight_running", text(&yaml(&shop.desired)));
}

#[test]
fn the_sample_without_its_secrets() {
    let mut shop = Shop::new();
    shop.secrets.clear();
    shop.step();
    insta::assert_snapshot!("first_sight", text(&yaml(&shop.desired)));
}

#[test]
fn the_sample_while_it_migrates() {
    let mut shop = Shop::new();
    shop.step();
    shop.preflight_succeeds();
    insta::assert_snapshot!("migrating", text(&yaml(&shop.desired)));
}

#[test]
fn the_sample_once_it_runs() {
    let mut shop = Shop::running();
    shop.step();
    insta::assert_snapshot!("running", text(&yaml(&shop.desired)));
    insta::assert_snapshot!("running_status", text(shop.status()));
}

#[test]
fn a_bad_rotation_changes_no_deployment() {
    let mut shop = Shop::running();
    let before = text(&shop.desired.deployments);
    shop.password("wrong");
    shop.step();
    shop.preflight_fails(BAD_PASSWORD);
    assert_eq!(text(&shop.desired.deployments), before);
    insta::assert_snapshot!("bad_rotation_status", text(shop.status()));
}

#[test]
fn a_gateway_gets_a_route_as_soon_as_there_can_be_one() {
    let mut shop = Shop::running();
    let routing = r#"{"gateway": {"parentRefs": [{"name": "public", "namespace": "gateways"}]}}"#;
    shop.instance.spec.routing = serde_json::from_str(routing).expect("a routing");
    shop.step();
    assert!(shop.desired.routes.is_empty() && shop.desired.ingresses.is_empty());
    shop.gateway = GatewayApi::Installed;
    shop.step();
    insta::assert_snapshot!("route", text(&shop.desired.routes));
}

#[test]
fn a_rolling_instance_keeps_the_snapshots_of_the_pods_before() {
    let mut shop = Shop::running();
    let old = shop.snapshot(Concern::Database);
    shop.password("second");
    shop.step();
    shop.preflight_succeeds();
    assert!(shop.desired.keep.snapshots.contains(&old));
    shop.pods_become_ready();
    shop.step();
    assert!(!shop.desired.keep.snapshots.contains(&old));
}

#[test]
fn children_carry_no_label_that_argo_cd_tracks_by() {
    let mut shop = Shop::running();
    let argo = ("app.kubernetes.io/instance".to_owned(), "tracker".to_owned());
    shop.instance.metadata.labels = Some([argo].into());
    shop.instance.metadata.annotations = Some([("argocd.argoproj.io/tracking-id".to_owned(), "x".to_owned())].into());
    shop.step();
    let everything = text(&yaml(&shop.desired));
    assert!(!everything.contains("app.kubernetes.io/instance") && !everything.contains("argocd"));
}
