//! The chart's roles grant exactly what the operator does: it does all of it as its own service account, and misses each verb
//! that is taken away.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};
use futures::future::join_all;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, Role, RoleBinding};
use kube::Client;
use kube::api::{DeleteParams, PostParams};
use serde_json::{Value, json};

use crate::Story;
use crate::leases::replica;
use crate::shop::Shop;
use crate::wire::{Call, Heard, Wire};
use crate::world::{World, file};

pub(crate) const STORIES: &[Story] = &[
    Story { name: "every_verb_of_the_roles_is_used_and_no_other_is_needed", run: every_verb_is_used },
    Story { name: "every_verb_that_is_taken_away_is_missed", run: every_verb_is_missed },
    Story { name: "the_page_about_permissions_is_about_these_rules", run: the_page_is_about_these_rules },
];

/// The name of the operator's account, as the chart's release makes it.
const ACCOUNT: &str = "picket";

fn every_verb_is_used(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let gateway = world.gateway_api().await;
        gateway.install()?;
        let shop = Shop::open(world, "account").await?;
        let rules = rules(world, "namespace")?;
        grant(&shop, &rules).await?;
        let wire = Wire::default();
        live(world, &shop, &wire).await?;
        let refused: Vec<Heard> = wire.heard().into_iter().filter(is_refused).collect();
        ensure!(refused.is_empty(), "the roles do not allow {refused:?}");
        let (used, granted) = (used(&wire.heard()), granted(&rules));
        let told = |calls: Vec<&Call>| calls.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let idle = told(granted.difference(&used).collect());
        let secret = told(used.difference(&granted).collect());
        ensure!(idle.is_empty() && secret.is_empty(), "granted and never used: {idle}; used and not granted: {secret}");
        ensure!(granted == self::granted(&self::rules(world, "cluster")?), "the two scopes grant different things");
        Ok(())
    })
}

fn every_verb_is_missed(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let gateway = world.gateway_api().await;
        gateway.install()?;
        let rules = rules(world, "namespace")?;
        let verbs: Vec<Call> = granted(&rules).into_iter().collect();
        ensure!(verbs.len() > 30, "only {} verbs: were the rules read?", verbs.len());
        for some in verbs.chunks(6) {
            let outcomes = join_all(some.iter().map(|verb| is_missed(world, &rules, verb))).await;
            outcomes.into_iter().collect::<Result<Vec<()>>>()?;
        }
        Ok(())
    })
}

async fn is_missed(world: &World, rules: &[PolicyRule], verb: &Call) -> Result<()> {
    let shop = Shop::open(world, "without").await?;
    grant(&shop, &without(rules, verb)).await?;
    let wire = Wire::default();
    let missed = async {
        loop {
            if wire.heard().iter().any(|heard| is_refused(heard) && is_for(heard, verb)) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        () = missed => Ok(()),
        lived = live(world, &shop, &wire) => match lived {
            Ok(()) => bail!("nobody misses `{verb}`"),
            Err(error) => Err(error.context(format!("without `{verb}`, which was not asked for"))),
        },
    }
}

/// A refusal of a verb: creating by apply is refused as a patch.
fn is_for(heard: &Heard, verb: &Call) -> bool {
    let same = heard.call.group == verb.group && heard.call.resource == verb.resource;
    same && (heard.call.verb == verb.verb || (verb.verb == "create" && heard.call.verb == "patch"))
}

fn is_refused(heard: &Heard) -> bool {
    heard.status.is_some_and(|status| status == http::StatusCode::FORBIDDEN)
}

/// A life in which an instance has, at one time or another, everything that an instance can have.
async fn live(world: &World, shop: &Shop, wire: &Wire) -> Result<()> {
    let user = format!("system:serviceaccount:{}:{ACCOUNT}", shop.namespace);
    let client: Client = world.client_of(wire, &[("impersonate-user", &user)])?;
    left_by_an_earlier_version(shop).await?;
    let replica = replica(world, shop, client, "a-replica");
    let lived = async {
        shop.waits_for("Ready", "True Running").await?;
        let gone = || async { Ok(shop.api::<PodDisruptionBudget>().get_opt("shop-earlier").await?.is_none()) };
        shop.waits("what an earlier version left to go", gone).await?;

        shop.change(&json!({"files": {"volume": {"size": "1Gi"}}, "deletionPolicy": "Delete"})).await?;
        heard(shop, wire, "persistentvolumeclaims", "patch").await?;
        heard(shop, wire, "secrets", "patch").await?;

        shop.change(&json!({"routing": {"ingress": null, "gateway": {"parentRefs": [{"name": "public"}]}}})).await?;
        let no_ingress = || async { Ok(shop.api::<Ingress>().get_opt("shop-web").await?.is_none()) };
        shop.waits("the Ingress to go", no_ingress).await?;
        shop.change(&json!({"routing": null})).await?;
        heard(shop, wire, "httproutes", "delete").await?;

        shop.api::<Deployment>().delete("shop-web", &DeleteParams::default()).await?;
        let back = || async { Ok(shop.api::<Deployment>().get_opt("shop-web").await?.is_some()) };
        shop.waits("a Deployment to come back", back).await?;

        shop.secret("shop-postgresql", &json!({"password": "second"})).await?;
        heard(shop, wire, "jobs", "delete").await?;
        heard(shop, wire, "secrets", "delete").await?;
        heard(shop, wire, "events", "patch").await?;
        heard(shop, wire, "leases", "patch").await
    };
    let lived = lived.await;
    replica.abort();
    lived
}

async fn heard(shop: &Shop, wire: &Wire, resource: &str, verb: &str) -> Result<()> {
    let it_is = |heard: &Heard| heard.call.resource == resource && heard.call.verb == verb && heard.wrote();
    shop.waits(&format!("{verb} {resource}"), || async { Ok(wire.heard().iter().any(it_is)) }).await
}

/// A budget of ours that this version does not want.
async fn left_by_an_earlier_version(shop: &Shop) -> Result<()> {
    let labels = json!({"picket.dev/instance": "shop", "app.kubernetes.io/managed-by": "picket-operator"});
    let selector = json!({"matchLabels": {"app.kubernetes.io/component": "earlier"}});
    let budget = json!({"metadata": {"name": "shop-earlier", "labels": labels},
        "spec": {"maxUnavailable": 1, "selector": selector}});
    shop.api::<PodDisruptionBudget>().create(&PostParams::default(), &serde_json::from_value(budget)?).await?;
    Ok(())
}

/// What was done, as RBAC sees it: an apply that creates needs the right to create as well.
fn used(heard: &[Heard]) -> BTreeSet<Call> {
    let mut used = BTreeSet::new();
    for Heard { call, status, .. } in heard {
        used.insert(call.clone());
        if call.verb == "patch" && *status == Some(http::StatusCode::CREATED) {
            used.insert(Call { verb: "create", ..call.clone() });
        }
    }
    used
}

const VERBS: [&str; 7] = ["get", "list", "watch", "create", "update", "patch", "delete"];

fn granted(rules: &[PolicyRule]) -> BTreeSet<Call> {
    let mut granted = BTreeSet::new();
    for rule in rules {
        for group in rule.api_groups.iter().flatten() {
            for resource in rule.resources.iter().flatten() {
                let verbs =
                    VERBS.iter().filter(|verb| rule.verbs.iter().any(|granted| granted == *verb || granted == "*"));
                granted.extend(verbs.map(|verb| Call { group: group.clone(), resource: resource.clone(), verb }));
            }
        }
    }
    granted
}

fn without(rules: &[PolicyRule], call: &Call) -> Vec<PolicyRule> {
    let mut rules = rules.to_vec();
    for rule in &mut rules {
        let about = rule.api_groups.iter().flatten().any(|group| *group == call.group)
            && rule.resources.iter().flatten().any(|resource| *resource == call.resource);
        if about {
            rule.verbs.retain(|verb| verb != call.verb);
        }
    }
    rules.retain(|rule| !rule.verbs.is_empty());
    rules
}

/// The rules that the chart gives the operator's account, in this scope.
fn rules(world: &World, scope: &str) -> Result<Vec<PolicyRule>> {
    let mut rules = Vec::new();
    for object in rendered(world, &["--set", &format!("scope={scope}")])? {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let own = name == ACCOUNT || name == format!("{ACCOUNT}-lease");
        match object["kind"].as_str() {
            Some("ClusterRole") if own => {
                rules.extend(serde_json::from_value::<ClusterRole>(object)?.rules.unwrap_or_default());
            }
            Some("Role") if own => rules.extend(serde_json::from_value::<Role>(object)?.rules.unwrap_or_default()),
            _ => {}
        }
    }
    ensure!(!rules.is_empty(), "the chart has no rules in scope {scope}");
    Ok(rules)
}

/// The chart's objects.
pub(crate) fn rendered(world: &World, more: &[&str]) -> Result<Vec<Value>> {
    let chart = harness::workspace().join("charts/picket").display().to_string();
    let template = ["template", ACCOUNT, &chart, "--namespace", "picket-system"];
    let text = world.server.client().helm(&[&template[..], more].concat())?;
    documents(&text)
}

/// The objects of a file with several.
pub(crate) fn documents(text: &str) -> Result<Vec<Value>> {
    let parts = text.split("\n---\n").map(|part| part.trim_start_matches("---\n"));
    let objects = parts.map(|part| serde_saphyr::from_str::<Value>(part).context("reading YAML"));
    objects.filter(|object| object.as_ref().is_ok_and(|object| !object.is_null()) || object.is_err()).collect()
}

async fn grant(shop: &Shop, rules: &[PolicyRule]) -> Result<()> {
    let role = Role { rules: Some(rules.to_vec()), ..serde_json::from_value(json!({"metadata": {"name": ACCOUNT}}))? };
    shop.api::<Role>().create(&PostParams::default(), &role).await?;
    let binding = json!({"metadata": {"name": ACCOUNT},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": shop.namespace}]});
    let binding: RoleBinding = serde_json::from_value(binding)?;
    shop.api::<RoleBinding>().create(&PostParams::default(), &binding).await?;
    Ok(())
}

/// The table of `config/rbac.md` names each group, resource and verb that is granted, and no other.
fn the_page_is_about_these_rules(world: &World) -> Result<()> {
    let page = file("config/rbac.md")?;
    let rows = page.lines().filter(|line| line.starts_with("| `") || line.starts_with("| core"));
    let mut told = BTreeSet::new();
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, group, resource, verbs, reason, _] = cells.as_slice() else { bail!("not four cells: {row}") };
        ensure!(reason.len() > 20, "no reason: {row}");
        let group = if *group == "core" { "" } else { group.trim_matches('`') };
        let listed = verbs.split(", ").map(|verb| VERBS.iter().find(|known| *known == &verb).context("no verb"));
        for verb in listed.collect::<Result<Vec<_>>>().with_context(|| row.to_owned())? {
            let call = Call { group: group.to_owned(), resource: resource.trim_matches('`').to_owned(), verb };
            ensure!(told.insert(call), "told twice: {row}");
        }
    }
    let granted = granted(&rules(world, "cluster")?);
    let differ: Vec<String> = told.symmetric_difference(&granted).map(ToString::to_string).collect();
    ensure!(differ.is_empty(), "config/rbac.md and the chart differ about {}", differ.join(", "));
    Ok(())
}
