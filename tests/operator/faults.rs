//! Whatever call fails, and wherever the operator dies: it ends up with the same objects, one secret key, one migration.
//!
//! A life (install, become ready, upgrade with other settings and without a route, become ready) is lived once undisturbed and
//! every call of it is noted. Then it is lived again for each of those calls and each way in which a call can go wrong.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use kube::api::{Api, DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

use crate::Story;
use crate::shop::{Operator, Running, SHOP, Shop};
use crate::wire::{Call, Fault, Heard, Wire};
use crate::world::World;

pub(crate) const STORIES: &[Story] = &[
    Story { name: "every_call_may_fail_or_be_the_last_one", run: every_call_may_fail },
    Story { name: "trap_19_a_storm_of_429_and_409_passes", run: a_storm_passes },
];

const LIVES_AT_ONCE: usize = 6;

/// How a call goes wrong when it is not done: each time it is tried again, in another way.
const UNDONE: [Fault; 4] = [Fault::Refused(500), Fault::Refused(409), Fault::Refused(429), Fault::TimedOut];

/// What a call is tried with, each in a life of its own. To a call that only asks, a lost answer is the same as none.
fn trials(call: &Call) -> Vec<Vec<Fault>> {
    if call.is_read() {
        return vec![[&UNDONE[..], &[Fault::Killed]].concat()];
    }
    vec![UNDONE.to_vec(), vec![Fault::AnswerLost], vec![Fault::Killed]]
}

/// What a life leaves behind: each object's text, without what is chance (uids, times, the key itself).
type Legacy = BTreeMap<String, String>;

fn every_call_may_fail(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let (legacy, heard) = live(world, Wire::default()).await.context("the undisturbed life")?;
        let cases: Vec<(Call, usize, Vec<Fault>)> = heard
            .iter()
            .flat_map(|Heard { call, number, .. }| {
                trials(call).into_iter().map(|faults| (call.clone(), *number, faults))
            })
            .collect();
        ensure!(cases.len() > 200, "only {} cases: were the calls noted?", cases.len());
        eprintln!("{} calls, {} lives", heard.len(), cases.len());
        let legacy = &legacy;
        let lives = cases.into_iter().map(|(call, number, faults)| async move {
            let what = format!("`{call}` number {number}, {faults:?}");
            let wire = Wire::with_faults(&call, number, faults);
            let (left, _) = live(world, wire.clone()).await.with_context(|| what.clone())?;
            ensure!(wire.faults() > 0, "{what}: was never made");
            ensure!(left == *legacy, "{what}: {}", difference(legacy, &left));
            anyhow::Ok(())
        });
        futures::stream::iter(lives).buffer_unordered(LIVES_AT_ONCE).try_collect::<()>().await
    })
}

/// A life, and every call of the operator in it.
async fn live(world: &World, wire: Wire) -> Result<(Legacy, Vec<Heard>)> {
    let shop = Shop::open(world, "life").await?;
    let mut operator = Operator::starts(world, wire)?;
    operator.settles(&shop).await.context("installing")?;
    shop.change(&json!({"image": {"tag": "next"}, "mail": {"from": "other@example.com"}, "routing": null})).await?;
    operator.settles(&shop).await.context("upgrading")?;
    let heard = operator.wire.heard();
    one_key_and_one_migration_each(&heard)?;
    Ok((legacy(&shop).await?, heard))
}

/// By what was done on the wire: the key was created once and never deleted, and each image migrated once.
fn one_key_and_one_migration_each(heard: &[Heard]) -> Result<()> {
    let done = |verb: &str, resource: &str, word: &str| {
        heard
            .iter()
            .filter(|it| it.wrote() && it.call.verb == verb && it.call.resource == resource)
            .filter_map(|it| it.name.as_deref())
            .filter(|name| name.contains(word))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let keys = done("create", "secrets", "-secret-key");
    ensure!(keys.len() == 1 && done("delete", "secrets", "-secret-key").is_empty(), "secret keys: {keys:?}");
    let mut migrations = done("create", "jobs", "-migrate-");
    ensure!(migrations.len() == 2, "migrations: {migrations:?}");
    migrations.dedup();
    ensure!(migrations.len() == 2, "an image migrated twice: {migrations:?}");
    Ok(())
}

const KINDS: [(&str, &str, &str); 7] = [
    ("picket.dev", "v1alpha1", "SentryInstance"),
    ("", "v1", "Secret"),
    ("", "v1", "Service"),
    ("apps", "v1", "Deployment"),
    ("batch", "v1", "Job"),
    ("policy", "v1", "PodDisruptionBudget"),
    ("networking.k8s.io", "v1", "Ingress"),
];

async fn legacy(shop: &Shop) -> Result<Legacy> {
    let mut objects = Vec::new();
    for (group, version, kind) in KINDS {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let api: Api<DynamicObject> = Api::namespaced_with(shop.client.clone(), &shop.namespace, &resource);
        let found = api.list(&ListParams::default()).await?;
        objects.extend(found.into_iter().map(|object| (kind, json!(object))));
    }
    let key = objects.iter().find(|(_, object)| object["metadata"]["name"] == "shop-secret-key");
    let key = key.and_then(|(_, object)| object["data"]["secret-key"].as_str()).context("no secret key")?.to_owned();
    let mut chance: Vec<(String, &str)> = vec![(key, "KEY"), (shop.namespace.clone(), "NAMESPACE")];
    chance.extend(objects.iter().filter_map(|(_, it)| Some((it["metadata"]["uid"].as_str()?.to_owned(), "UID"))));
    let told = objects.into_iter().map(|(kind, object)| {
        let name = object["metadata"]["name"].as_str().map(without_hash).unwrap_or_default();
        let text = chance.iter().fold(essence(object).to_string(), |text, (what, word)| text.replace(what, word));
        (format!("{kind} {name}"), text)
    });
    Ok(told.collect())
}

/// What two lives have in common: no times, no versions, no addresses; names without the hash of the secret key.
fn essence(value: Value) -> Value {
    const CHANCE: [&str; 14] = [
        // How often pods were replaced on the way, and so the cause of the last time, depends on what came first.
        "cause",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "observedGeneration",
        "managedFields",
        "clusterIP",
        "clusterIPs",
        "lastTransitionTime",
        "lastProbeTime",
        "startTime",
        "completionTime",
        "startedAt",
        "finishedAt",
    ];
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(key, _)| !CHANCE.contains(&key.as_str()) && !is_stamp(key));
            kept.map(|(key, value)| (key, essence(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(essence).collect(),
        Value::String(text) => Value::String(without_hash(&text)),
        other => other,
    }
}

/// The annotation that is a hash over names with hashes in them.
fn is_stamp(key: &str) -> bool {
    key == "picket.dev/applied"
}

/// `shop-core-0123456789` and `shop-core`, in running text too, are the same in two lives: the hash is keyed with the secret key.
fn without_hash(text: &str) -> String {
    let is_hash = |word: &str| word.len() == 10 && word.chars().all(|c| c.is_ascii_hexdigit());
    let parts = text.split('-').map(|part| {
        let (word, rest) = part.split_at(part.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(part.len()));
        if is_hash(word) { format!("HASH{rest}") } else { part.to_owned() }
    });
    parts.collect::<Vec<_>>().join("-")
}

fn difference(wanted: &Legacy, left: &Legacy) -> String {
    let names = wanted.keys().chain(left.keys()).collect::<std::collections::BTreeSet<_>>();
    let differ = names.into_iter().filter(|name| wanted.get(*name) != left.get(*name));
    let told = differ.map(|name| {
        let text = |legacy: &Legacy| legacy.get(name).cloned().unwrap_or_else(|| "is not there".to_owned());
        format!("{name}\n  undisturbed: {}\n  disturbed:   {}", text(wanted), text(left))
    });
    told.collect::<Vec<_>>().join("\n")
}

/// The operator as it is deployed, with its watches, while two of three calls are refused; then the storm is over.
fn a_storm_passes(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let shop = Shop::open(world, "storm").await?;
        let wire = Wire::default();
        let mut turn = 0_usize;
        wire.plan(move |_, _| {
            turn += 1;
            [None, Some(Fault::Refused(429)), Some(Fault::Refused(409))][turn % 3]
        });
        let _operator = Running::start(world, &wire, &shop)?;
        shop.waits("the storm to be felt", || async { Ok(wire.faults() > 5) }).await?;
        wire.mend();
        shop.waits_for("Ready", "True Running").await?;
        let first: Vec<Heard> = wire.heard().into_iter().filter(|it| it.wrote() && it.call.verb == "create").collect();
        let keys = first.iter().filter(|it| it.name.as_deref() == Some("shop-secret-key")).count();
        let migrations = first.iter().filter(|it| it.name.as_deref().is_some_and(|n| n.contains("migrate"))).count();
        ensure!((keys, migrations) == (1, 1), "{keys} keys, {migrations} migrations in {SHOP}");
        Ok(())
    })
}
