//! Reads what a reconcile decides from: the Secrets the instance names and the objects that belong to it.
//!
//! Everything is read from the API server, nothing from a cache, so a decision is never made on old news; what is read is
//! bounded by the instance's label.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, Secret, Service};
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{Api, DynamicObject, ListParams, PartialObjectMeta};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::instance::SentryInstance;
use crate::observe::{self, JobSeen};
use crate::resources::labels::{COMPONENT, Role, SNAPSHOT, all_of};
use crate::resources::route::http_route_resource;
use crate::resources::{GatewayApi, files};
use crate::secrets::{self, Secrets};

/// The objects that belong to an instance.
pub struct Children {
    /// Snapshots, without their content.
    pub snapshots: Vec<PartialObjectMeta<Secret>>,
    /// The Secret of the generated key, without its content.
    pub secret_key: Option<PartialObjectMeta<Secret>>,
    /// Preflights and migrations.
    pub jobs: Vec<Job>,
    /// How those went.
    pub jobs_seen: Vec<JobSeen>,
    /// Those whose program has ended, but not what a mesh put beside it.
    pub lingering: BTreeSet<String>,
    /// Web, worker, cron.
    pub deployments: Vec<Deployment>,
    /// In front of web.
    pub services: Vec<Service>,
    /// Disruption budgets.
    pub budgets: Vec<PodDisruptionBudget>,
    /// Ingresses.
    pub ingresses: Vec<Ingress>,
    /// The claimed volume.
    pub claims: Vec<PersistentVolumeClaim>,
    /// `HTTPRoute`s.
    pub routes: Vec<DynamicObject>,
    /// Whether there can be any.
    pub gateway: GatewayApi,
}

impl Children {
    /// The names of the snapshots.
    pub fn snapshot_names(&self) -> BTreeSet<String> {
        self.snapshots.iter().map(ResourceExt::name_any).collect()
    }
}

/// The Secrets that the instance names; those that do not exist are left out.
pub async fn secrets(ctx: &Context, instance: &SentryInstance, namespace: &str) -> Result<Secrets> {
    let api: Api<Secret> = ctx.api(namespace);
    let reads = secrets::names(instance).into_iter().map(|name| {
        let api = api.clone();
        async move {
            let secret = api.get_opt(&name).await.with_context(|| format!("reading Secret {name}"))?;
            anyhow::Ok(secret.map(|secret| (name, secret.data.unwrap_or_default())))
        }
    });
    let found = try_join_all(reads).await?.into_iter().flatten();
    Ok(found.map(|(name, data)| (name, data.into_iter().map(|(key, value)| (key, value.0)).collect())).collect())
}

/// The objects that belong to the instance.
pub async fn children(ctx: &Context, instance: &SentryInstance, namespace: &str) -> Result<Children> {
    let name = instance.name_any();
    let (secrets, jobs, deployments, services, budgets, ingresses, claims, (routes, gateway)) = tokio::try_join!(
        secrets_of(ctx, namespace, &name),
        list::<Job>(ctx, namespace, &name),
        list::<Deployment>(ctx, namespace, &name),
        list::<Service>(ctx, namespace, &name),
        list::<PodDisruptionBudget>(ctx, namespace, &name),
        list::<Ingress>(ctx, namespace, &name),
        claims(ctx, instance, namespace),
        routes(ctx, namespace, &name),
    )?;
    let is_snapshot = |secret: &PartialObjectMeta<Secret>| secret.labels().contains_key(SNAPSHOT);
    let (snapshots, others): (Vec<_>, Vec<_>) = secrets.into_iter().partition(is_snapshot);
    let generated = secrets::generated_secret(instance);
    let secret_key = others.into_iter().find(|secret| secret.name_any() == generated);
    let pods = if jobs.is_empty() { Vec::new() } else { pods_of_jobs(ctx, namespace, &name).await? };
    let jobs_seen = observe::jobs(&jobs, &pods);
    let lingering = observe::lingering(&jobs, &pods);
    Ok(Children {
        snapshots,
        secret_key,
        jobs,
        jobs_seen,
        lingering,
        deployments,
        services,
        budgets,
        ingresses,
        claims,
        routes,
        gateway,
    })
}

async fn list<K>(ctx: &Context, namespace: &str, instance: &str) -> Result<Vec<K>>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug,
{
    let params = ListParams::default().labels(&all_of(instance));
    let list = ctx.api::<K>(namespace).list(&params).await.with_context(|| format!("listing {}", K::plural(&())))?;
    Ok(list.items)
}

/// The claimed volume; an instance without one asks for none.
async fn claims(ctx: &Context, instance: &SentryInstance, namespace: &str) -> Result<Vec<PersistentVolumeClaim>> {
    match files::claim(instance) {
        Some(_) => list(ctx, namespace, &instance.name_any()).await,
        None => Ok(Vec::new()),
    }
}

/// Snapshots and the generated key, by metadata only.
async fn secrets_of(ctx: &Context, namespace: &str, instance: &str) -> Result<Vec<PartialObjectMeta<Secret>>> {
    let params = ListParams::default().labels(&all_of(instance));
    Ok(ctx.api::<Secret>(namespace).list_metadata(&params).await.context("listing Secrets")?.items)
}

async fn pods_of_jobs(ctx: &Context, namespace: &str, instance: &str) -> Result<Vec<Pod>> {
    let roles = [Role::Preflight, Role::Migrate].map(Role::as_str).join(",");
    let params = ListParams::default().labels(&format!("{},{COMPONENT} in ({roles})", all_of(instance)));
    Ok(ctx.api::<Pod>(namespace).list(&params).await.context("listing the pods of Jobs")?.items)
}

/// The `HTTPRoute`s, and whether the cluster knows that kind at all: it may be installed at any time.
async fn routes(ctx: &Context, namespace: &str, instance: &str) -> Result<(Vec<DynamicObject>, GatewayApi)> {
    let api: Api<DynamicObject> = Api::namespaced_with(ctx.client.clone(), namespace, &http_route_resource());
    match api.list(&ListParams::default().labels(&all_of(instance))).await {
        Ok(list) => Ok((list.items, GatewayApi::Installed)),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok((Vec::new(), GatewayApi::Missing)),
        Err(error) => Err(error).context("listing HTTPRoutes"),
    }
}
