//! What Argo CD, Flux, Helm and kustomize make of what is shipped, with their own rules on a real API server.

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use cel::{Context, Program};
use k8s_openapi::api::batch::v1::Job;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use mlua::{Lua, LuaSerdeExt as _};
use picket_operator::instance::SentryInstance;
use serde_json::{Value, json};

use crate::Story;
use crate::permissions::{documents, rendered};
use crate::shop::{Operator, Shop};
use crate::wire::Wire;
use crate::world::{World, file};

pub(crate) const STORIES: &[Story] = &[
    Story { name: "trap_21_an_instance_in_git_is_in_sync_by_both_ways_of_comparing", run: trap_21 },
    Story { name: "every_sample_is_in_sync_as_soon_as_it_is_applied", run: every_sample_is_in_sync },
    Story { name: "children_carry_nothing_that_argo_cd_tracks_by", run: children_are_not_tracked },
    Story { name: "argo_cd_and_flux_read_the_health_of_each_stage", run: the_health_of_each_stage },
    Story { name: "argo_cds_own_fixtures_for_the_health_are_true", run: argo_cds_fixtures },
    Story { name: "the_example_comes_in_waves", run: the_example_comes_in_waves },
    Story { name: "the_manifest_without_helm_is_the_chart", run: the_manifest_is_the_chart },
    Story { name: "the_chart_refuses_values_that_mean_nothing", run: the_chart_refuses },
];

/// Argo CD compares by asking the API server what applying would change; the older way compares what was applied last, what
/// is to be applied and what is there, which `kubectl diff` does as well.
fn trap_21(world: &World) -> Result<()> {
    let (ours, theirs) = world.runtime.block_on(async {
        anyhow::Ok((Shop::open(world, "server-side").await?, Shop::open(world, "client-side").await?))
    })?;
    let manifests = [ours.manifest()?, theirs.manifest()?];
    world.server.client().apply(&manifests[1].to_string())?;
    for _refresh in 0..3 {
        for shop in [&ours, &theirs] {
            world.runtime.block_on(async { Operator::starts(world, Wire::default())?.settles(shop).await })?;
        }
        world.runtime.block_on(in_sync(&ours, &manifests[0]))?;
        no_diff(world, "theirs", &manifests[1])?;
    }
    Ok(())
}

/// Applying from the server's side, without doing it, changes nothing.
async fn in_sync(shop: &Shop, manifest: &Value) -> Result<()> {
    let name = manifest["metadata"]["name"].as_str().context("an object without a name")?;
    let live = json!(shop.api::<SentryInstance>().get(name).await?);
    let params = PatchParams { dry_run: true, ..PatchParams::apply("git").force() };
    let predicted = json!(shop.api::<SentryInstance>().patch(name, &params, &Patch::Apply(manifest)).await?);
    let without = |mut object: Value| {
        object["metadata"].as_object_mut().map(|metadata| metadata.remove("managedFields"));
        object
    };
    let (live, predicted) = (without(live), without(predicted));
    ensure!(live == predicted, "applying again would make {live} into {predicted}");
    Ok(())
}

/// `kubectl diff`, whose exit code says whether there is one.
fn no_diff(world: &World, name: &str, manifest: &Value) -> Result<()> {
    let path = world.server.run().folder("diff")?.join(name);
    std::fs::write(&path, manifest.to_string())?;
    world.server.client().kubectl(&["diff", "-f", &path.display().to_string()]).map(drop)
}

fn every_sample_is_in_sync(world: &World) -> Result<()> {
    let samples = harness::workspace().join("config/samples");
    let mut seen = 0;
    for entry in std::fs::read_dir(samples)? {
        let text = std::fs::read_to_string(entry?.path())?;
        for mut sample in documents(&text)?.into_iter().filter(|object| object["kind"] == "SentryInstance") {
            seen += 1;
            for is_in_sync in [by_the_server, by_the_client] {
                let shop = world.runtime.block_on(Shop::empty(world, "sample"))?;
                sample["metadata"]["namespace"] = json!(shop.namespace);
                is_in_sync(world, &shop, &sample)?;
            }
        }
    }
    ensure!(seen > 0, "there is no sample");
    Ok(())
}

fn by_the_server(world: &World, shop: &Shop, manifest: &Value) -> Result<()> {
    let name = manifest["metadata"]["name"].as_str().context("an object without a name")?;
    let (api, params) = (shop.api::<SentryInstance>(), PatchParams::apply("git"));
    world.runtime.block_on(api.patch(name, &params, &Patch::Apply(manifest)))?;
    world.runtime.block_on(in_sync(shop, manifest))
}

fn by_the_client(world: &World, shop: &Shop, manifest: &Value) -> Result<()> {
    world.server.client().apply(&manifest.to_string())?;
    no_diff(world, &shop.namespace, manifest)
}

const CHILDREN: [(&str, &str, &str); 6] = [
    ("", "v1", "Secret"),
    ("", "v1", "Service"),
    ("apps", "v1", "Deployment"),
    ("batch", "v1", "Job"),
    ("policy", "v1", "PodDisruptionBudget"),
    ("networking.k8s.io", "v1", "Ingress"),
];

fn children_are_not_tracked(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let shop = Shop::open(world, "tracked").await?;
        let mut manifest = shop.manifest()?;
        manifest["metadata"]["labels"] = json!({"app.kubernetes.io/instance": "tracker"});
        manifest["metadata"]["annotations"] = json!({"argocd.argoproj.io/tracking-id": "tracker:picket.dev/x"});
        shop.apply(&manifest).await?;
        Operator::starts(world, Wire::default())?.settles(&shop).await?;
        let mut seen = 0;
        for (group, version, kind) in CHILDREN {
            let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
            let api: Api<DynamicObject> = Api::namespaced_with(shop.client.clone(), &shop.namespace, &resource);
            for child in api.list(&ListParams::default().labels("app.kubernetes.io/managed-by=picket-operator")).await?
            {
                seen += 1;
                let text = json!(child).to_string();
                ensure!(!text.contains("tracker"), "{kind} is tracked: {text}");
            }
        }
        ensure!(seen > 10, "only {seen} children");
        Ok(())
    })
}

/// What Argo CD thinks of an object, by the Lua that is shipped.
fn argo_cd(object: &Value) -> Result<(String, String)> {
    let lua = Lua::new();
    let failed = |error: mlua::Error| anyhow!("the Lua says {error}");
    // Argo CD hands over what the API server says, in which a field that is absent is absent and not null.
    lua.globals().set("obj", lua.to_value(object).map_err(failed)?).map_err(failed)?;
    let health = lua.load(file("config/argocd/SentryInstance/health.lua")?).eval::<mlua::Table>().map_err(failed)?;
    let field = |name: &str| health.get::<String>(name).map_err(failed);
    Ok((field("status")?, field("message")?))
}

/// What Flux thinks of an object, by the expressions that are shipped.
fn flux(object: &Value) -> Result<&'static str> {
    let all = documents(&file("config/flux/kustomizations.yaml")?)?;
    let checks = all.iter().find_map(|it| it["spec"]["healthCheckExprs"].get(0)).context("Flux has no expression")?;
    for (name, verdict) in [("failed", "Failed"), ("current", "Current")] {
        let expression = checks[name].as_str().with_context(|| format!("no expression {name}"))?;
        let program = Program::compile(expression).map_err(|error| anyhow!("{name}: {error}"))?;
        let mut context = Context::default();
        for part in ["metadata", "status"] {
            context.add_variable(part, object[part].clone()).map_err(|error| anyhow!("{error}"))?;
        }
        // As Flux does, what is not there yet is no verdict.
        if matches!(program.execute(&context), Ok(cel::Value::Bool(true))) {
            return Ok(verdict);
        }
    }
    Ok("InProgress")
}

async fn health(shop: &Shop) -> Result<(String, &'static str)> {
    let object = json!(shop.instance().await?);
    Ok((argo_cd(&object)?.0, flux(&object)?))
}

async fn is(shop: &Shop, stage: &str, argo: &str, flux: &str) -> Result<()> {
    let (says, flux_says) = health(shop).await?;
    ensure!((says.as_str(), flux_says) == (argo, flux), "{stage} is {says} to Argo CD and {flux_says} to Flux");
    Ok(())
}

fn the_health_of_each_stage(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let shop = Shop::empty(world, "health").await?;
        shop.apply(&shop.manifest()?).await?;
        is(&shop, "just applied", "Progressing", "InProgress").await?;
        let mut operator = Operator::starts(world, Wire::default())?;
        operator.looks(&shop).await?;
        is(&shop, "without Secrets", "Progressing", "InProgress").await?;
        for (name, data) in Shop::secrets() {
            shop.secret(name, &data).await?;
        }
        operator.looks(&shop).await?;
        is(&shop, "the preflight", "Progressing", "InProgress").await?;
        let refused = r#"{"checks":[{"name":"postgresql","status":"failed","reason":"AuthenticationFailed"}]}"#;
        fails(&shop, "-preflight-", refused).await?;
        operator.looks(&shop).await?;
        is(&shop, "a wrong password", "Degraded", "InProgress").await?;
        shop.secret("shop-postgresql", &json!({"password": "right"})).await?;
        operator.settles(&shop).await?;
        is(&shop, "running", "Healthy", "Current").await?;

        shop.tag("next").await?;
        is(&shop, "a change that was not seen", "Progressing", "InProgress").await?;
        while shop.condition("MigrationsApplied").await? != "False Running" {
            operator.looks(&shop).await?;
            if shop.condition("MigrationsApplied").await? != "False Running" {
                shop.nodes_work().await?;
            }
        }
        is(&shop, "the migration", "Progressing", "InProgress").await?;
        fails(&shop, "-migrate-", "migration 0007: 42501 permission denied").await?;
        operator.looks(&shop).await?;
        is(&shop, "a failed migration", "Degraded", "Failed").await?;
        shop.tag("dev").await?;
        operator.settles(&shop).await?;
        is(&shop, "taken back", "Healthy", "Current").await?;

        shop.change(&json!({"paused": true})).await?;
        operator.looks(&shop).await?;
        is(&shop, "paused", "Suspended", "Current").await
    })
}

/// The unfinished Job of this kind fails with these last words.
async fn fails(shop: &Shop, kind: &str, words: &str) -> Result<()> {
    let jobs = shop.api::<Job>().list(&ListParams::default()).await?;
    let unfinished =
        jobs.into_iter().filter(|job| job.status.as_ref().is_none_or(|status| status.conditions.is_none()));
    let names = unfinished.filter_map(|job| job.metadata.name);
    let job = names.into_iter().find(|name| name.contains(kind)).with_context(|| format!("no Job {kind} runs"))?;
    let state = json!({"terminated": {"exitCode": 1, "message": words}});
    let container =
        json!({"name": "picket", "image": "i", "imageID": "i", "ready": false, "restartCount": 0, "state": state});
    shop.pod_of(&job, &json!([container])).await?;
    shop.job_ends(&job, "Failed").await
}

fn argo_cds_fixtures(_: &World) -> Result<()> {
    let folder = "config/argocd/SentryInstance";
    let tests: Value = serde_saphyr::from_str(&file(&format!("{folder}/health_test.yaml"))?)?;
    let tests = tests["tests"].as_array().context("no tests")?;
    ensure!(tests.len() >= 10, "only {} fixtures", tests.len());
    for test in tests {
        let path = test["inputPath"].as_str().context("a test without an input")?;
        let object: Value = serde_saphyr::from_str(&file(&format!("{folder}/{path}"))?)?;
        let (status, message) = argo_cd(&object)?;
        let wanted = &test["healthStatus"];
        ensure!(json!({"status": status, "message": message}) == *wanted, "{path} is {status}: {message}");
    }
    let map: Value = serde_saphyr::from_str(&file("config/argocd/argocd-cm.yaml")?)?;
    let lua = map["data"]["resource.customizations.health.picket.dev_SentryInstance"].as_str();
    ensure!(lua == Some(file(&format!("{folder}/health.lua"))?.as_str()), "argocd-cm.yaml carries another Lua");
    Ok(())
}

/// The chart, which has no waves and so is in the one before: then the Secrets' place, then the instance.
fn the_example_comes_in_waves(world: &World) -> Result<()> {
    let application: Value = serde_saphyr::from_str(&file("config/argocd/application.yaml")?)?;
    let paths = ["0", "1"].map(|n| application.pointer(&format!("/spec/sources/{n}/path")).and_then(Value::as_str));
    let [Some("charts/picket"), Some(example)] = paths else { bail!("the Application's sources are {paths:?}") };
    let namespace = file(&format!("{example}/namespace.yaml"))?;
    let instance = file(&format!("{example}/instance.yaml"))?;
    let wave = |object: &Value| object["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"].clone();
    ensure!(rendered(world, &[])?.iter().all(|object| wave(object).is_null()), "the chart has waves of its own");
    for (text, wanted) in [(&namespace, "1"), (&instance, "2")] {
        let object: Value = serde_saphyr::from_str(text)?;
        ensure!(wave(&object) == wanted, "{} is in wave {}", object["metadata"]["name"], wave(&object));
        world.server.client().apply(text)?;
        no_diff(world, "example", &object)?;
    }
    Ok(())
}

/// Only the label that says who manages the objects differs, and the CRD and the namespace, which Helm does by itself.
fn the_manifest_is_the_chart(world: &World) -> Result<()> {
    let name = |object: &Value| format!("{} {}", object["kind"], object["metadata"]["name"]);
    let sorted = |objects: Vec<Value>, left_out: &str| {
        let mut kept: Vec<Value> = objects.into_iter().filter(|object| object["kind"] != left_out).collect();
        for object in &mut kept {
            for path in ["/metadata/labels", "/spec/template/metadata/labels"] {
                if let Some(labels) = object.pointer_mut(path).and_then(Value::as_object_mut) {
                    labels.remove("helm.sh/chart");
                    labels.remove("app.kubernetes.io/managed-by");
                }
            }
        }
        kept.sort_by_key(name);
        kept
    };
    let chart = sorted(rendered(world, &[])?, "CustomResourceDefinition");
    let manifest = sorted(documents(&file("config/operator.yaml")?)?, "Namespace");
    ensure!(chart.iter().map(name).eq(manifest.iter().map(name)), "not the same objects");
    let differ = chart.iter().zip(&manifest).find(|(chart, manifest)| chart != manifest);
    if let Some((chart, manifest)) = differ {
        bail!("{}: the chart says\n{chart}\nand config/operator.yaml\n{manifest}", name(chart));
    }
    Ok(())
}

fn the_chart_refuses(world: &World) -> Result<()> {
    let refused =
        ["scope=everywhere", "replicas=0", "image.pullPolicy=Sometimes", "imagee.tag=x", "crds.install=perhaps"];
    for setting in refused {
        let said = rendered(world, &["--set", setting]).err().with_context(|| format!("{setting} was taken"))?;
        ensure!(format!("{said:#}").contains("values don't meet the specifications"), "{setting}: {said:#}");
    }
    let crd = rendered(world, &[])?.into_iter().find(|object| object["kind"] == "CustomResourceDefinition");
    let policy = crd.context("the chart has no CRD")?["metadata"]["annotations"]["helm.sh/resource-policy"].clone();
    ensure!(policy == "keep", "uninstalling the chart would delete every instance");
    let without = rendered(world, &["--set", "crds.install=false"])?;
    ensure!(without.iter().all(|object| object["kind"] != "CustomResourceDefinition"), "the CRD is there all the same");
    let one = rendered(world, &["--set", "scope=namespace"])?;
    ensure!(one.iter().all(|object| object["kind"] != "ClusterRole"), "one namespace needs no ClusterRole");
    ensure!(json!(one).to_string().contains("PICKET_NAMESPACE"), "the operator looks everywhere");
    Ok(())
}
