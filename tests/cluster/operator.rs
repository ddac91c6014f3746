//! What a platform team does with an instance, by kubectl.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use anyhow::{Context as _, Result, ensure};
use harness::net::wait_for;
use serde_json::json;

use crate::Story;
use crate::shop::{SOON, Shop, World};

pub(crate) const STORIES: &[Story] = &[
    Story { name: "an_applied_yaml_takes_an_event_and_sends_a_mail", run: an_applied_yaml_takes_an_event },
    Story {
        name: "kubectl_scale_gives_three_workers_and_nothing_scales_them_back",
        run: kubectl_scale_gives_three_workers,
    },
    Story { name: "a_deleted_child_comes_back", run: a_deleted_child_comes_back },
    Story { name: "a_mail_change_rolls_those_who_send_mail", run: a_mail_change_rolls_those_who_send_mail },
    Story { name: "a_wrong_database_password_is_named_and_the_running_pods_stay", run: a_wrong_password_is_named },
    Story { name: "a_first_install_with_a_wrong_password_recovers_by_itself", run: a_first_install_recovers },
    Story { name: "a_second_reconcile_writes_nothing", run: a_second_reconcile_writes_nothing },
    Story { name: "the_standby_takes_over_from_a_killed_operator", run: the_standby_takes_over },
];

fn an_applied_yaml_takes_an_event(world: &World) -> Result<()> {
    let shop = Shop::open(world, "event")?;
    let dsn = shop.dsn()?;
    let key = dsn.split("://").nth(1).and_then(|rest| rest.split('@').next()).context("the DSN has no key")?;
    let project = dsn.rsplit('/').next().unwrap_or_default();

    let body = json!({"message": "a crash in the cluster"}).to_string();
    let mut connection = TcpStream::connect(world.cluster.service_address(shop.namespace, "shop-web")?)?;
    let path = format!("/api/{project}/store/?sentry_key={key}");
    let head = format!("POST {path} HTTP/1.0\r\nHost: shop\r\nContent-Length: {}\r\n\r\n", body.len());
    connection.write_all(format!("{head}{body}").as_bytes())?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.0 200") || answer.starts_with("HTTP/1.1 200"), "web answered {answer}");

    let mail = world.smtp.wait_for_mail(|mail| mail.subject.contains("a crash in the cluster"), SOON)?;
    ensure!(mail.text.contains("http://shop-web.event.svc/acme/shop/issues/"), "the mail says {}", mail.text);
    Ok(())
}

fn kubectl_scale_gives_three_workers(world: &World) -> Result<()> {
    let shop = Shop::open(world, "scale")?;
    shop.kubectl(&["scale", "si/shop", "--replicas=3"])?;
    shop.waits_for_pods("worker", 3)?;
    let reconciles = world.operator_metric("picket_operator_reconciles_total")?;
    shop.kubectl(&["annotate", "si/shop", "story=look again"])?;
    wait_for("one more reconcile", SOON, || {
        world.operator_metric("picket_operator_reconciles_total").is_ok_and(|now| now > reconciles)
    })?;
    shop.waits_for("Ready", "True")?;
    let instance = shop.get("si/shop")?;
    ensure!(instance["spec"]["worker"]["replicas"] == 3, "the operator changed the spec");
    ensure!(shop.get("deploy/shop-worker")?["spec"]["replicas"] == 3, "the workers were scaled back");
    let scale =
        shop.kubectl(&["get", "--raw", "/apis/picket.dev/v1alpha1/namespaces/scale/sentryinstances/shop/scale"]);
    let scale: serde_json::Value = serde_json::from_str(&scale?)?;
    ensure!(scale["status"]["replicas"] == 3, "an autoscaler reads {scale}");
    ensure!(
        scale["status"]["selector"].as_str().is_some_and(|selector| selector.contains("worker")),
        "no selector: {scale}"
    );
    Ok(())
}

fn a_deleted_child_comes_back(world: &World) -> Result<()> {
    let shop = Shop::open(world, "deleted")?;
    let children =
        ["deploy/shop-web", "deploy/shop-worker", "deploy/shop-cron", "service/shop-web", "ingress/shop-web"];
    let budgets = shop.kubectl(&["get", "pdb", "-o", "name"])?;
    ensure!(!budgets.is_empty(), "the components have no disruption budgets");
    for child in children.into_iter().chain(budgets.lines()) {
        let before = shop.get(child)?["metadata"]["uid"].clone();
        shop.kubectl(&["delete", child, "--wait=false"])?;
        let came_back = || shop.get(child).is_ok_and(|child| child["metadata"]["uid"] != before);
        wait_for(&format!("{child} to come back"), SOON, came_back)?;
    }
    shop.kubectl(&["set", "image", "deploy/shop-web", "*=somebody/elses:image"])?;
    let repaired = || {
        shop.get("deploy/shop-web")
            .is_ok_and(|d| d["spec"]["template"]["spec"]["containers"][0]["image"] == "picket:dev")
    };
    wait_for("an edit by hand to be undone", SOON, repaired)?;
    shop.waits_for_pods("web", 1)?;
    shop.waits_for("Ready", "True").map(drop)
}

fn a_mail_change_rolls_those_who_send_mail(world: &World) -> Result<()> {
    let shop = Shop::open(world, "mail")?;
    let before = ["web", "worker", "cron"].map(|component| shop.pod_names(component).unwrap_or_default());
    shop.patch(&json!({"mail": {"from": "somebody-else@example.com"}}))?;
    for (component, before) in [("web", &before[0]), ("worker", &before[1])] {
        let rolled = || shop.pod_names(component).is_ok_and(|now| now.len() == 1 && now != *before);
        wait_for(&format!("{component} to roll"), SOON, rolled)?;
    }
    shop.waits_for("Ready", "True")?;
    ensure!(shop.pod_names("cron")? == before[2], "cron does not send mail");
    let cause = shop.get("si/shop")?["status"]["rollout"]["cause"].as_str().unwrap_or_default().to_owned();
    ensure!(cause.contains("mail"), "the cause of the rollout is told as {cause:?}");
    Ok(())
}

fn a_wrong_password_is_named(world: &World) -> Result<()> {
    let shop = Shop::open(world, "password")?;
    let before = ["web", "worker", "cron"].map(|component| shop.pod_names(component).unwrap_or_default());
    shop.secret("shop-postgresql", &json!({"username": "password", "password": "wrong"}))?;
    let condition = shop.waits_for("DatabaseReady", "False")?;
    ensure!(condition["reason"] == "AuthenticationFailed", "the reason is {condition:#}");
    let after = ["web", "worker", "cron"].map(|component| shop.pod_names(component).unwrap_or_default());
    ensure!(before == after, "the running pods were touched: {before:?} became {after:?}");

    // A pod that dies meanwhile still finds the settings that work.
    shop.kubectl(&["delete", "pod", &before[0][0]])?;
    shop.waits_for_pods("web", 1)?;
    shop.secret("shop-postgresql", &json!({"username": "password", "password": "the password"}))?;
    shop.waits_for("DatabaseReady", "True")?;
    shop.waits_for("Ready", "True").map(drop)
}

fn a_first_install_recovers(world: &World) -> Result<()> {
    let shop = Shop::apply(world, "late", "wrong")?;
    let condition = shop.waits_for("DatabaseReady", "False")?;
    ensure!(condition["reason"] == "AuthenticationFailed", "the reason is {condition:#}");
    ensure!(
        shop.kubectl(&["get", "deployments", "-o", "name"])?.is_empty(),
        "nothing rolls out before the database is there"
    );
    shop.secret("shop-postgresql", &json!({"username": "late", "password": "the password"}))?;
    shop.waits_for("Ready", "True").map(drop)
}

fn a_second_reconcile_writes_nothing(world: &World) -> Result<()> {
    let shop = Shop::open(world, "steady")?;
    for component in ["web", "worker", "cron"] {
        shop.waits_for_pods(component, 1)?;
    }
    // An annotation of the user's makes the operator look; the instance changes by that once, and by nothing else.
    shop.kubectl(&["annotate", "si/shop", "story=look"])?;
    let mut settled = shop.versions()?;
    wait_for("a quiet moment", SOON, || {
        let now = shop.versions().unwrap_or_default();
        std::mem::replace(&mut settled, now.clone()) == now
    })?;
    let own = |line: &&str| !line.starts_with("SentryInstance");
    let reconciles = world.operator_metric("picket_operator_reconciles_total")?;
    shop.kubectl(&["annotate", "si/shop", "story=look again", "--overwrite"])?;
    let annotated = shop.versions()?;
    wait_for("one more reconcile", SOON, || {
        world.operator_metric("picket_operator_reconciles_total").is_ok_and(|now| now > reconciles)
    })?;
    let after = shop.versions()?;
    ensure!(after == annotated, "written:\n{annotated}\nbecame\n{after}");
    let children = |versions: &str| versions.lines().filter(own).map(str::to_owned).collect::<Vec<_>>();
    ensure!(children(&settled) == children(&after), "children were written:\n{settled}\nbecame\n{after}");
    Ok(())
}

fn the_standby_takes_over(world: &World) -> Result<()> {
    let shop = Shop::open(world, "standby")?;
    let leader = world.leader()?;
    world.kill_operator(&leader)?;
    wait_for("another leader", SOON, || world.leader().is_ok_and(|now| !now.is_empty() && now != leader))?;
    shop.kubectl(&["scale", "si/shop", "--replicas=2"])?;
    shop.waits_for_pods("worker", 2)
}
