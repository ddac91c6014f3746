//! The traps that operators fall into, each by its number, on a real API server.
//!
//! Elsewhere: 6 and 20 in `leases`, 19 in `faults`, 21 in `gitops`; 11, 16 and 18 with pods in `tests/cluster`. Not yet: 12
//! (`SentryProject`) and the half of 7 about autoscaling that the operator itself sets up.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Secret, ServiceAccount};
use kube::ResourceExt;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use picket_operator::instance::SentryInstance;
use serde_json::{Value, json};

use crate::Story;
use crate::shop::{Look, Operator, Running, SHOP, Shop};
use crate::wire::{Fault, Heard, Wire};
use crate::world::World;

pub(crate) const STORIES: &[Story] = &[
    Story { name: "trap_01_a_key_that_cannot_be_read_is_never_replaced", run: trap_01 },
    Story { name: "trap_02_a_rotated_password_rolls_and_migrates_nothing", run: trap_02 },
    Story { name: "trap_03_a_job_that_is_gone_is_not_run_again", run: trap_03 },
    Story { name: "trap_04_killed_between_a_migrations_end_and_the_status", run: trap_04 },
    Story { name: "trap_05_the_image_goes_there_and_back_during_a_migration", run: trap_05 },
    Story { name: "trap_07_a_scaler_is_never_fought", run: trap_07 },
    Story { name: "trap_08_git_without_replicas_leaves_them_to_the_scaler", run: trap_08 },
    Story { name: "trap_09_a_secret_that_comes_late_is_noticed", run: trap_09 },
    Story { name: "trap_10_an_unrelated_key_of_a_secret_rolls_nothing", run: trap_10 },
    Story { name: "trap_11_a_deleted_instance_waits_for_nobody", run: trap_11 },
    Story { name: "trap_13_a_child_deleted_or_edited_by_hand_is_put_right", run: trap_13 },
    Story { name: "trap_14_the_crd_is_applied_by_the_oldest_of_clients", run: trap_14 },
    Story { name: "trap_15_a_gateway_api_that_comes_late_is_noticed", run: trap_15 },
    Story { name: "trap_16_a_sidecar_that_never_ends_holds_up_no_job", run: trap_16 },
    Story { name: "trap_17_every_pod_is_admitted_where_restricted_is_enforced", run: trap_17 },
    Story { name: "trap_22_a_hostile_instance_gets_nowhere", run: trap_22 },
    Story { name: "an_api_server_that_never_answers_holds_up_nobody_for_ever", run: an_answer_that_never_comes },
];

/// The objects of this kind that were created, by name.
fn created(wire: &Wire, word: &str) -> Vec<String> {
    let creates = wire.writes().into_iter().filter(|it| it.call.verb == "create");
    creates.filter_map(|it| it.name).filter(|name| name.contains(word)).collect()
}

fn trap_01(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let shop = Shop::open(world, "trap-01").await?;
        Operator::starts(world, Wire::default())?.settles(&shop).await?;
        let key = shop.api::<Secret>().get("shop-secret-key").await?;
        let wire = Wire::default();
        let mut operator = Operator::starts(world, wire.clone())?;
        for fault in [Fault::Refused(500), Fault::Refused(403), Fault::Refused(429), Fault::TimedOut] {
            wire.plan(move |call, _| (call.verb == "get" && call.resource == "secrets").then_some(fault));
            let look = operator.looks(&shop).await?;
            ensure!(matches!(look, Look::Failed(_)), "{fault:?} became {look:?}");
        }
        ensure!(wire.writes().is_empty(), "written while nothing could be read: {:?}", wire.writes());

        wire.mend();
        shop.api::<Secret>().delete("shop-secret-key", &DeleteParams::default()).await?;
        operator.looks(&shop).await?;
        ensure!(shop.condition("SecretKeyReady").await? == "False SecretKeyLost", "a lost key is not told");
        ensure!(created(&wire, "secret").is_empty(), "a lost key was replaced");

        let restored = json!({"metadata": {"name": "shop-secret-key"}, "data": key.data, "immutable": true});
        shop.api::<Secret>().create(&PostParams::default(), &serde_json::from_value(restored)?).await?;
        operator.settles(&shop).await
    })
}

fn trap_02(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let shop = Shop::open(world, "trap-02").await?;
        let mut operator = Operator::starts(world, Wire::default())?;
        operator.settles(&shop).await?;
        let before = shop.deployment("web").await?.spec.template;
        shop.secret("shop-postgresql", &json!({"password": "second"})).await?;
        operator.settles(&shop).await?;
        ensure!(shop.deployment("web").await?.spec.template != before, "the pods do not get the new password");
        ensure!(created(&operator.wire, "-migrate-").len() == 1, "a password is no other database");
        ensure!(created(&operator.wire, "-preflight-").len() == 2, "the new password was not tried");
        let cause = shop.instance().await?.status.and_then(|status| status.rollout).map(|rollout| rollout.cause);
        ensure!(cause.as_deref() == Some("database settings"), "the cause is told as {cause:?}");
        Ok(())
    })
}

fn trap_03(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let shop = Shop::open(world, "trap-03").await?;
        Operator::starts(world, Wire::default())?.settles(&shop).await?;
        shop.api::<Job>().delete_collection(&DeleteParams::background(), &ListParams::default()).await?;
        let mut operator = Operator::starts(world, Wire::default())?;
        operator.looks(&shop).await?;
        ensure!(operator.wire.writes().is_empty(), "written: {:?}", operator.wire.writes());
        ensure!(shop.condition("Ready").await? == "True Running", "{}", shop.condition("Ready").await?);
        Ok(())
    })
}

fn trap_04(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let shop = Shop::open(world, "trap-04").await?;
        let wire = Wire::default();
        let mut operator = Operator::starts(world, wire.clone())?;
        while shop.jobs("-migrate-").await?.is_empty() {
            operator.looks(&shop).await?;
            if shop.jobs("-migrate-").await?.is_empty() {
                shop.nodes_work().await?;
            }
        }
        let migration = shop.jobs("-migrate-").await?.remove(0);
        shop.job_ends(&migration, "Complete").await?;
        wire.plan(|call, _| (call.resource == "sentryinstances/status").then_some(Fault::KilledBefore));
        ensure!(matches!(operator.looks(&shop).await?, Look::Died), "the operator lived");
        ensure!(shop.condition("MigrationsApplied").await? == "False Running", "the status was written");

        wire.mend();
        operator.settles(&shop).await?;
        ensure!(created(&wire, "-migrate-").len() == 1, "migrated again: {:?}", created(&wire, "-migrate-"));
        Ok(())
    })
}

fn trap_05(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let shop = Shop::open(world, "trap-05").await?;
        let mut operator = Operator::starts(world, Wire::default())?;
        operator.settles(&shop).await?;
        let first = shop.jobs("-migrate-").await?;
        let before = shop.deployment("web").await?.spec.template;
        shop.tag("next").await?;
        let next = loop {
            operator.looks(&shop).await?;
            let jobs = shop.jobs("-migrate-").await?;
            if let Some(next) = jobs.into_iter().find(|job| !first.contains(job)) {
                break next;
            }
            shop.nodes_work().await?;
        };
        shop.tag("dev").await?;
        operator.looks(&shop).await?;
        ensure!(!shop.jobs("-migrate-").await?.contains(&next), "the migration that nobody wants still runs");
        operator.settles(&shop).await?;
        ensure!(shop.deployment("web").await?.spec.template == before, "the pods were touched");
        ensure!(created(&operator.wire, "-migrate-").len() == 2, "going back migrated again");

        shop.tag("next").await?;
        operator.settles(&shop).await?;
        ensure!(created(&operator.wire, &next).len() == 2, "what was given up has to be migrated after all");
        Ok(())
    })
}

async fn scale(shop: &Shop, replicas: i32) -> Result<()> {
    let change = Patch::Merge(json!({"spec": {"replicas": replicas}}));
    shop.api::<SentryInstance>().patch_scale(SHOP, &PatchParams::default(), &change).await?;
    Ok(())
}

fn trap_07(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let shop = Shop::open(world, "trap-07").await?;
        let mut operator = Operator::starts(world, Wire::default())?;
        operator.settles(&shop).await?;
        for replicas in [5, 2] {
            scale(&shop, replicas).await?;
            operator.settles(&shop).await?;
            let scale = shop.api::<SentryInstance>().get_scale(SHOP).await?;
            ensure!(scale.spec.and_then(|spec| spec.replicas) == Some(replicas), "the replicas were written back");
            let status = scale.status.context("a scale without a status")?;
            ensure!(status.replicas == replicas && status.selector.is_some(), "a scaler reads {status:?}");
            ensure!(shop.deployment("worker").await?.spec.replicas == Some(replicas), "the pods do not follow");
        }
        let spec = |it: &Heard| it.call.resource == "sentryinstances" && !it.call.is_read();
        ensure!(!operator.wire.heard().iter().any(spec), "the operator wrote a spec");
        Ok(())
    })
}

fn trap_08(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let shop = Shop::empty(world, "trap-08").await?;
        let mut git = shop.manifest()?;
        git["spec"]["worker"].as_object_mut().context("the sample has workers")?.remove("replicas");
        shop.apply(&git).await?;
        scale(&shop, 5).await?;
        shop.apply(&git).await?;
        let replicas = || async { anyhow::Ok(shop.instance().await?.spec.worker.replicas) };
        ensure!(replicas().await? == 5, "server-side apply scaled to {}", replicas().await?);

        // The other way of applying, as Argo CD's older mode and `kubectl apply` do.
        let kubectl = world.server.client();
        kubectl.apply(&git.to_string())?;
        scale(&shop, 7).await?;
        kubectl.apply(&git.to_string())?;
        ensure!(replicas().await? == 7, "client-side apply scaled to {}", replicas().await?);
        Ok(())
    })
}

fn trap_09(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let shop = Shop::empty(world, "trap-09").await?;
        shop.apply(&shop.manifest()?).await?;
        // Without news an instance is looked at every five minutes only, so it is the watch that has to tell.
        let _operator = Running::start(world, &Wire::default(), &shop)?;
        shop.waits_for("DatabaseReady", "False SecretNotFound").await?;
        for (name, data) in Shop::secrets() {
            shop.secret(name, &data).await?;
        }
        shop.waits_for("Ready", "True Running").await
    })
}

fn trap_10(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let shop = Shop::open(world, "trap-10").await?;
        Operator::starts(world, Wire::default())?.settles(&shop).await?;
        let (name, mut data) = Shop::secrets()[0].clone();
        data["somebody-elses"] = json!("value");
        shop.secret(name, &data).await?;
        let mut operator = Operator::starts(world, Wire::default())?;
        operator.looks(&shop).await?;
        ensure!(operator.wire.writes().is_empty(), "written: {:?}", operator.wire.writes());
        Ok(())
    })
}

/// Nothing has to be cleaned up outside, so nothing has to answer: there is no finalizer to get stuck.
fn trap_11(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let shop = Shop::open(world, "trap-11").await?;
        Operator::starts(world, Wire::default())?.settles(&shop).await?;
        let uid = shop.instance().await?.uid();
        shop.api::<SentryInstance>().delete(SHOP, &DeleteParams::default()).await?;
        ensure!(shop.api::<SentryInstance>().get_opt(SHOP).await?.is_none(), "the instance is still there");
        let owned = |object: &dyn Fn() -> Option<String>| object() == uid;
        for child in shop.api::<Deployment>().list(&ListParams::default()).await? {
            ensure!(owned(&|| child.owner_references().first().map(|it| it.uid.clone())), "{child:?} would stay");
        }
        let key = shop.api::<Secret>().get("shop-secret-key").await?;
        ensure!(key.owner_references().is_empty(), "the secret key would go with the instance");

        let mut operator = Operator::starts(world, Wire::default())?;
        ensure!(matches!(operator.looks(&shop).await?, Look::Done), "an instance that is gone is an error");
        ensure!(operator.wire.writes().is_empty(), "written for an instance that is gone");
        Ok(())
    })
}

fn trap_13(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let shop = Shop::open(world, "trap-13").await?;
        let _operator = Running::start(world, &Wire::default(), &shop)?;
        shop.waits_for("Ready", "True Running").await?;
        let deployments = shop.api::<Deployment>();
        let before = shop.deployment("web").await?.uid();
        deployments.delete("shop-web", &DeleteParams::default()).await?;
        let back = || async { Ok(deployments.get_opt("shop-web").await?.is_some_and(|it| it.uid() != before)) };
        shop.waits("a deleted Deployment to come back", back).await?;

        let image = "/spec/template/spec/containers/0/image";
        let wanted = json!(shop.deployment("web").await?).pointer(image).cloned();
        let edit = json!([{"op": "replace", "path": image, "value": "somebody/elses:image"}]);
        let edit = Patch::<Deployment>::Json(serde_json::from_value(edit)?);
        deployments.patch("shop-web", &PatchParams::default(), &edit).await?;
        let undone = || async { Ok(json!(shop.deployment("web").await?).pointer(image).cloned() == wanted) };
        shop.waits("an edit to be undone", undone).await
    })
}

fn trap_14(world: &World) -> Result<()> {
    let kubectl = world.server.client();
    let said = kubectl.apply(&crate::world::file("crds/sentryinstance.yaml")?)?;
    ensure!(said.contains("unchanged"), "a second apply says {said}");
    let last = "jsonpath={.metadata.annotations.kubectl\\.kubernetes\\.io/last-applied-configuration}";
    let kept = kubectl.kubectl(&["get", "crd", "sentryinstances.picket.dev", "-o", last])?;
    ensure!((1000..262_144).contains(&kept.len()), "the client keeps a copy of {} bytes", kept.len());
    Ok(())
}

fn trap_15(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let gateway = world.gateway_api().await;
        gateway.uninstall()?;
        let shop = Shop::open(world, "trap-15").await?;
        shop.change(&json!({"routing": {"ingress": null, "gateway": {"parentRefs": [{"name": "public"}]}}})).await?;
        let _operator = Running::start(world, &Wire::default(), &shop)?;
        shop.waits_for("RouteReady", "False GatewayApiMissing").await?;
        gateway.install()?;
        shop.waits_for("RouteReady", "Unknown Pending").await?;
        let route = ["get", "httproute", "shop-web", "-n", &shop.namespace, "-o", "jsonpath={.spec.hostnames}"];
        let hosts = world.server.client().kubectl(&route)?;
        ensure!(hosts.contains("shop-web.picket-demo.svc"), "the route is for {hosts}");
        Ok(())
    })
}

/// The program has ended, the mesh's proxy beside it has not, so the Job goes on for ever.
fn trap_16(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let shop = Shop::open(world, "trap-16").await?;
        let mut operator = Operator::starts(world, Wire::default())?;
        operator.looks(&shop).await?;
        for kind in ["-preflight-", "-migrate-"] {
            let job = shop.jobs(kind).await?.pop().with_context(|| format!("there is no Job {kind}"))?;
            shop.pod_of(&job, &json!([ended(0, ""), proxy()])).await?;
            operator.looks(&shop).await?;
            operator.looks(&shop).await?;
            ensure!(shop.jobs(kind).await?.is_empty(), "{job} and its proxy stay for ever");
        }
        shop.pods_become_ready().await?;
        operator.settles(&shop).await?;
        ensure!(created(&operator.wire, "-migrate-").len() == 1, "migrated again");

        shop.secret("shop-postgresql", &json!({"password": "wrong"})).await?;
        operator.looks(&shop).await?;
        let job = shop.jobs("-preflight-").await?.pop().context("the new password is not tried")?;
        let report = r#"{"checks":[{"name":"postgresql","status":"failed","reason":"AuthenticationFailed"}]}"#;
        shop.pod_of(&job, &json!([ended(1, report), proxy()])).await?;
        operator.looks(&shop).await?;
        let told = shop.condition("DatabaseReady").await?;
        ensure!(told == "False AuthenticationFailed", "a failure beside a proxy is told as {told}");
        Ok(())
    })
}

fn ended(code: i32, words: &str) -> Value {
    container("picket", &json!({"terminated": {"exitCode": code, "message": words}}))
}

fn proxy() -> Value {
    container("istio-proxy", &json!({"running": {}}))
}

fn container(name: &str, state: &Value) -> Value {
    json!({"name": name, "image": "i", "imageID": "i", "ready": false, "restartCount": 0, "state": state})
}

fn trap_17(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let shop = Shop::open(world, "trap-17").await?;
        let mut operator = Operator::starts(world, Wire::default())?;
        operator.settles(&shop).await?;
        let account: ServiceAccount = serde_json::from_value(json!({"metadata": {"name": "default"}}))?;
        shop.api::<ServiceAccount>().create(&PostParams::default(), &account).await?;
        let jobs = shop.api::<Job>().list(&ListParams::default()).await?;
        let mut templates: Vec<Value> = jobs.iter().map(|job| json!(job.spec.as_ref().map(|s| &s.template))).collect();
        let deployments = shop.api::<Deployment>().list(&ListParams::default()).await?;
        templates.extend(deployments.iter().map(|deployment| json!(deployment.spec.template)));
        ensure!(templates.len() == 5, "web, worker, cron, preflight and migration: {}", templates.len());
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        for mut template in templates {
            template["metadata"]["name"] = json!("a-pod");
            let admitted = shop.api::<Pod>().create(&dry, &serde_json::from_value(template)?).await?;
            let volumes = admitted.spec.as_ref().and_then(|spec| spec.volumes.as_ref());
            let token = volumes.into_iter().flatten().any(|volume| volume.projected.is_some());
            ensure!(!token, "{} holds a service account's token", admitted.labels()["app.kubernetes.io/component"]);
        }
        Ok(())
    })
}

/// Secrets of other namespaces by tricks with names, and more text than a status, an annotation or etcd can hold.
fn trap_22(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let shop = Shop::empty(world, "trap-22").await?;
        let huge = "x".repeat(100_000);
        let many: Vec<Value> = (0..1000).map(|n| json!({"name": format!("V{n}"), "value": "x"})).collect();
        let hostile: [(&str, Value); 10] = [
            ("/spec/database/credentialsSecretRef/name", json!("../../kube-system/secrets/root")),
            ("/spec/database/credentialsSecretRef/name", json!("root?watch=true")),
            ("/spec/database/credentialsSecretRef/name", json!("..")),
            ("/spec/redis/passwordSecretRef/name", json!("%2e%2e/x")),
            ("/spec/bootstrapAdmin/passwordSecretRef/key", json!("a/b")),
            ("/spec/database/host", json!(huge)),
            ("/spec/publicUrl", json!("http://a b/")),
            ("/spec/publicUrl", json!(format!("http://{huge}"))),
            ("/spec/mail/from", json!(huge)),
            ("/spec/web/env", json!(many)),
        ];
        for (path, value) in hostile {
            let mut manifest = shop.manifest()?;
            let place = path.split('/').skip(1).fold(&mut manifest, |place, key| &mut place[key]);
            *place = value;
            let refused = shop.apply(&manifest).await.err().with_context(|| format!("{path} was taken"))?;
            ensure!(format!("{refused:?}").contains("code: 422"), "{path}: {refused:?}");
        }
        let mut elsewhere = shop.manifest()?;
        elsewhere["spec"]["database"]["credentialsSecretRef"]["namespace"] = json!("kube-system");
        let strict = PostParams::default();
        let taken: SentryInstance = serde_json::from_value(elsewhere)?;
        let taken = shop.api::<SentryInstance>().create(&strict, &taken).await?;
        ensure!(!json!(taken).to_string().contains("kube-system"), "a reference to another namespace was stored");
        Ok(())
    })
}

/// The connection is open, the request was taken, and no answer ever comes: a load balancer that lost its mind.
fn an_answer_that_never_comes(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let shop = Shop::open(world, "hangs").await?;
        let wire = Wire::default();
        let mut operator = Operator::starts(world, wire.clone())?;
        operator.is_patient_for(Duration::from_secs(1));
        wire.plan(|call, number| (call.resource == "deployments" && number == 1).then_some(Fault::Hangs));
        let look = operator.looks(&shop).await?;
        ensure!(matches!(&look, Look::Failed(why) if why.contains("did not answer")), "{look:?}");
        operator.settles(&shop).await
    })
}
