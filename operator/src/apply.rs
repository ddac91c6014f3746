//! The only place that writes objects: server-side apply in order, then pruning of what is ours and no longer wanted.
//!
//! What is as it was applied is left alone (`drift`), so a steady instance costs no write, and what was edited or deleted by
//! hand is put right. Jobs and snapshots are immutable: they are created when absent, never changed. Deployments, the
//! Service and a claimed volume are never pruned.

use std::collections::BTreeSet;
use std::fmt::Debug;

use anyhow::{Context as _, Result};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{Api, DeleteParams, DynamicObject, PostParams, Preconditions};
use kube::{Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::context::{Context, apply_params, as_apply};
use crate::drift;
use crate::fetch::Children;
use crate::resources::route::http_route_resource;
use crate::resources::{Desired, Keep};
use crate::status::Live;

/// Makes what exists what should exist.
pub async fn apply(ctx: &Context, namespace: &str, desired: Desired, children: Children) -> Result<Live> {
    let Desired { snapshots, jobs, deployments, services, budgets, ingresses, routes, claims, rejected: _, keep } =
        desired;
    let wanted_snapshots = names(&snapshots);
    let wanted_jobs = names(&jobs);
    let wanted_budgets = names(&budgets);
    let wanted_ingresses = names(&ingresses);
    let wanted_routes = names(&routes);
    let route_api: Api<DynamicObject> = Api::namespaced_with(ctx.client.clone(), namespace, &http_route_resource());

    let secret_api: Api<Secret> = ctx.api(namespace);
    let job_api: Api<Job> = ctx.api(namespace);
    let budget_api: Api<PodDisruptionBudget> = ctx.api(namespace);
    let ingress_api: Api<Ingress> = ctx.api(namespace);

    ensure(ctx, &ctx.api(namespace), claims, &children.claims).await?;
    create(ctx, &secret_api, snapshots, &children.snapshot_names()).await?;
    create(ctx, &job_api, jobs, &names(&children.jobs)).await?;
    ensure(ctx, &ctx.api(namespace), services, &children.services).await?;
    let deployments = ensure(ctx, &ctx.api(namespace), deployments, &children.deployments).await?;
    ensure(ctx, &budget_api, budgets, &children.budgets).await?;
    ensure(ctx, &ingress_api, ingresses, &children.ingresses).await?;
    let routes = ensure(ctx, &route_api, routes, &children.routes).await?;

    let Keep { snapshots: kept_snapshots, jobs: kept_jobs } = keep;
    let snapshot_stays = |name: &str| wanted_snapshots.contains(name) || kept_snapshots.contains(name);
    let job_stays = |name: &str| wanted_jobs.contains(name) || kept_jobs.contains(name);
    prune(ctx, &job_api, &children.jobs, job_stays).await?;
    prune(ctx, &secret_api, &children.snapshots, snapshot_stays).await?;
    prune(ctx, &budget_api, &children.budgets, |name| wanted_budgets.contains(name)).await?;
    prune(ctx, &ingress_api, &children.ingresses, |name| wanted_ingresses.contains(name)).await?;
    prune(ctx, &route_api, &children.routes, |name| wanted_routes.contains(name)).await?;

    let untouched = if deployments.is_empty() { children.deployments } else { deployments };
    Ok(Live { deployments: untouched, routes, gateway: children.gateway })
}

fn names<K: ResourceExt>(objects: &[K]) -> BTreeSet<String> {
    objects.iter().map(ResourceExt::name_any).collect()
}

/// Creates what is absent. One that is just being deleted is created by the reconcile that its deletion starts.
async fn create<K>(ctx: &Context, api: &Api<K>, wanted: Vec<K>, present: &BTreeSet<String>) -> Result<()>
where
    K: Resource<DynamicType = ()> + Serialize + DeserializeOwned + Clone + Debug,
{
    for object in wanted.into_iter().filter(|object| !present.contains(&object.name_any())) {
        match api.create(&PostParams::default(), &object).await {
            Ok(_) => ctx.metrics.wrote(&K::plural(&())),
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            Err(error) => return Err(error).with_context(|| format!("creating {}", object.name_any())),
        }
    }
    Ok(())
}

/// Applies what is absent or not as it should be; answers how each object is now.
async fn ensure<K>(ctx: &Context, api: &Api<K>, wanted: Vec<K>, existing: &[K]) -> Result<Vec<K>>
where
    K: Resource + Serialize + DeserializeOwned + Clone + Debug,
{
    let mut live = Vec::with_capacity(wanted.len());
    for mut object in wanted {
        let name = object.name_any();
        drift::stamp(&mut object)?;
        let found = existing.iter().find(|found| found.name_any() == name);
        if let Some(found) = found.filter(|found| drift::settled(&object, *found)) {
            live.push(found.clone());
            continue;
        }
        let applied = api.patch(&name, &apply_params(), &as_apply(&object)).await;
        live.push(applied.with_context(|| format!("applying {name}"))?);
        ctx.metrics.wrote(api.resource_url().rsplit('/').next().unwrap_or_default());
    }
    Ok(live)
}

/// Deletes what is ours and may go; what took its name in the meantime is not ours.
async fn prune<K, L>(ctx: &Context, api: &Api<K>, existing: &[L], stays: impl Fn(&str) -> bool) -> Result<()>
where
    K: Resource + DeserializeOwned + Clone + Debug,
    L: ResourceExt,
{
    let goes = |object: &&L| !stays(&object.name_any()) && object.meta().deletion_timestamp.is_none();
    for object in existing.iter().filter(goes) {
        let same = Preconditions { uid: object.uid(), resource_version: None };
        let params = DeleteParams::background().preconditions(same);
        match api.delete(&object.name_any(), &params).await {
            Ok(_) => ctx.metrics.wrote(api.resource_url().rsplit('/').next().unwrap_or_default()),
            Err(kube::Error::Api(status)) if status.is_not_found() => {}
            Err(error) => return Err(error).with_context(|| format!("deleting {}", object.name_any())),
        }
    }
    Ok(())
}

/// What is there when nothing may be touched.
pub fn untouched(children: Children) -> Live {
    Live { deployments: children.deployments, routes: children.routes, gateway: children.gateway }
}
