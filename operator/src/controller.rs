//! What starts a reconcile: the instance, its children, and any Secret that it names.
//!
//! Children and Secrets are watched by their metadata only, so a cluster with thousands of large Secrets costs little. An
//! instance that cannot be read is one instance that cannot be read: the watch goes on for the others.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Secret, Service};
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{Api, DynamicObject, PartialObjectMeta};
use kube::core::DeserializeGuard;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::{Controller, WatchStreamExt, controller, watcher};
use kube::{Client, Resource, ResourceExt};

use crate::context::Context;
use crate::instance::SentryInstance;
use crate::reconcile::{reconcile, retry};
use crate::resources::labels::MANAGED_BY;
use crate::resources::route::http_route_resource;
use crate::secrets;

/// Several changes at once are one reason to look.
const DEBOUNCE: Duration = Duration::from_millis(100);
/// Instances that are reconciled at the same time.
const CONCURRENCY: u16 = 8;

type Guarded = DeserializeGuard<SentryInstance>;

/// Where to look for instances.
#[derive(Clone, Debug)]
pub enum Scope {
    /// In every namespace.
    Cluster,
    /// In one.
    Namespace(String),
}

impl Scope {
    fn api<K>(&self, client: &Client) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        match self {
            Self::Cluster => Api::all(client.clone()),
            Self::Namespace(namespace) => Api::namespaced(client.clone(), namespace),
        }
    }

    fn http_routes(&self, client: &Client) -> Api<DynamicObject> {
        match self {
            Self::Cluster => Api::all_with(client.clone(), &http_route_resource()),
            Self::Namespace(namespace) => Api::namespaced_with(client.clone(), namespace, &http_route_resource()),
        }
    }
}

/// Reconciles until `stop` ends; a reconcile that has begun is finished.
pub async fn run(ctx: Arc<Context>, scope: Scope, stop: impl Future<Output = ()> + Send + Sync + 'static) {
    let client = ctx.client.clone();
    let ours = watcher::Config::default().labels(&format!("{}={}", MANAGED_BY.0, MANAGED_BY.1));
    let instances: Api<Guarded> = scope.api(&client);
    let controller = Controller::new(instances, watcher::Config::default())
        .with_config(controller::Config::default().debounce(DEBOUNCE).concurrency(CONCURRENCY));
    let store = controller.store();
    controller
        .owns(scope.api::<PartialObjectMeta<Deployment>>(&client), ours.clone())
        .owns(scope.api::<PartialObjectMeta<Job>>(&client), ours.clone())
        .owns(scope.api::<PartialObjectMeta<Service>>(&client), ours.clone())
        .owns(scope.api::<PartialObjectMeta<PodDisruptionBudget>>(&client), ours.clone())
        .owns(scope.api::<PartialObjectMeta<Ingress>>(&client), ours.clone())
        .owns_stream_with(http_routes(&scope, &client, ours), http_route_resource())
        .watches(scope.api::<PartialObjectMeta<Secret>>(&client), watcher::Config::default(), move |secret| {
            concerned(&store, &secret)
        })
        .graceful_shutdown_on(stop)
        .run(reconcile, retry, ctx)
        .for_each(|result| async move {
            if let Err(error) = result {
                tracing::debug!(%error, "controller");
            }
        })
        .await;
}

/// The instances that a Secret matters to: whose it is, and who names it.
fn concerned(store: &Store<Guarded>, secret: &PartialObjectMeta<Secret>) -> Vec<ObjectRef<Guarded>> {
    let name = secret.name_any();
    let owned_by = |uid: &str| secret.owner_references().iter().any(|owner| owner.uid == uid);
    let matters = |guard: &Guarded| {
        let names_it = guard.0.as_ref().is_ok_and(|instance| secrets::names(instance).contains(&name));
        names_it || guard.meta().uid.as_deref().is_some_and(owned_by)
    };
    let here = store.state_filter(|guard| guard.namespace() == secret.namespace() && matters(guard));
    here.iter().map(|guard| ObjectRef::from_obj(guard.as_ref())).collect()
}

/// The Gateway API may be missing. Then its watch fails, again and again and ever more rarely, without slowing the others.
fn http_routes(
    scope: &Scope,
    client: &Client,
    config: watcher::Config,
) -> impl Stream<Item = Result<DynamicObject, watcher::Error>> + Send + use<> {
    watcher::watcher(scope.http_routes(client), config)
        .default_backoff()
        .touched_objects()
        .filter(|event| std::future::ready(event.is_ok()))
}
