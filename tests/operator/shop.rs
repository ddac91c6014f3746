//! A shop's error tracker in a namespace of its own, the operator that looks after it, and the parts of a cluster that no node plays.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Namespace, Pod, Secret, ServiceAccount};
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::core::DeserializeGuard;
use kube::{Client, ResourceExt};
use picket_operator::context::Context;
use picket_operator::controller::{self, Scope};
use picket_operator::instance::SentryInstance;
use picket_operator::metrics::Metrics;
use picket_operator::reconcile::reconcile;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::nodes;
use crate::wire::Wire;
use crate::world::{SOON, World, file};

/// The name of the instance, as in the sample.
pub(crate) const SHOP: &str = "shop";
/// More looks than any life needs; one that never settles has more.
const MANY: usize = 80;

/// An instance, seen by the people and programs around the operator.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) client: Client,
    pub(crate) namespace: String,
}

impl Shop {
    /// Applies the sample and the Secrets it names in a new namespace.
    pub(crate) async fn open(world: &World, prefix: &str) -> Result<Self> {
        let shop = Self::empty(world, prefix).await?;
        for (name, data) in Self::secrets() {
            shop.secret(name, &data).await?;
        }
        shop.apply(&shop.manifest()?).await?;
        Ok(shop)
    }

    /// A namespace without an instance, which enforces the `restricted` Pod Security Standard.
    pub(crate) async fn empty(world: &World, prefix: &str) -> Result<Self> {
        let (client, namespace) = (world.admin.clone(), world.name(prefix));
        let labels = json!({"pod-security.kubernetes.io/enforce": "restricted"});
        let made: Namespace = serde_json::from_value(json!({"metadata": {"name": namespace, "labels": labels}}))?;
        Api::all(client.clone()).create(&PostParams::default(), &made).await?;
        Ok(Self { client, namespace })
    }

    /// The Secrets that the sample names.
    pub(crate) fn secrets() -> [(&'static str, Value); 3] {
        [
            ("shop-postgresql", json!({"username": "picket", "password": "first"})),
            ("shop-redis", json!({"password": "redis"})),
            ("shop-admin", json!({"password": "admin"})),
        ]
    }

    /// The sample, in this namespace.
    pub(crate) fn manifest(&self) -> Result<Value> {
        let mut manifest: Value = serde_saphyr::from_str(&file("config/samples/sentryinstance.yaml")?)?;
        manifest["metadata"]["namespace"] = json!(self.namespace);
        Ok(manifest)
    }

    /// Applies an instance, as `kubectl apply --server-side` does.
    pub(crate) async fn apply(&self, manifest: &Value) -> Result<()> {
        let params = PatchParams::apply("git").force();
        self.api::<SentryInstance>().patch(SHOP, &params, &Patch::Apply(manifest)).await?;
        Ok(())
    }

    /// Makes or changes a Secret.
    pub(crate) async fn secret(&self, name: &str, data: &Value) -> Result<()> {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data});
        self.api::<Secret>().patch(name, &PatchParams::apply("git").force(), &Patch::Apply(secret)).await?;
        Ok(())
    }

    /// Changes the spec, as an edit does.
    pub(crate) async fn change(&self, spec: &Value) -> Result<()> {
        let change = json!({ "spec": spec });
        self.api::<SentryInstance>().patch(SHOP, &PatchParams::default(), &Patch::Merge(change)).await?;
        Ok(())
    }

    /// Changes the image's tag, as an upgrade does.
    pub(crate) async fn tag(&self, tag: &str) -> Result<()> {
        self.change(&json!({"image": {"tag": tag}})).await
    }

    /// The objects of a kind here.
    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// The instance as it is now.
    pub(crate) async fn instance(&self) -> Result<SentryInstance> {
        Ok(self.api::<SentryInstance>().get(SHOP).await?)
    }

    /// A condition, as `Status Reason`.
    pub(crate) async fn condition(&self, kind: &str) -> Result<String> {
        let status = self.instance().await?.status.unwrap_or_default();
        let found = status.conditions.iter().find(|condition| condition.type_ == kind);
        Ok(found.map_or_else(String::new, |condition| format!("{} {}", condition.status, condition.reason)))
    }

    /// A component's Deployment.
    pub(crate) async fn deployment(&self, component: &str) -> Result<Deployment> {
        Ok(self.api::<Deployment>().get(&format!("{SHOP}-{component}")).await?)
    }

    /// The names of the Jobs whose name contains this word.
    pub(crate) async fn jobs(&self, word: &str) -> Result<Vec<String>> {
        let jobs = self.api::<Job>().list(&ListParams::default()).await?;
        Ok(jobs.iter().map(ResourceExt::name_any).filter(|name| name.contains(word)).collect())
    }

    /// Plays the nodes for a moment: what was asked for happens, and well.
    pub(crate) async fn nodes_work(&self) -> Result<()> {
        nodes::work(&self.client, Some(&self.namespace)).await
    }

    /// Every Deployment gets the pods it asks for.
    pub(crate) async fn pods_become_ready(&self) -> Result<()> {
        nodes::pods_become_ready(&self.client, Some(&self.namespace)).await
    }

    /// A Job ends, as `Complete` or `Failed`.
    pub(crate) async fn job_ends(&self, name: &str, how: &str) -> Result<()> {
        nodes::job_ends(&self.client, &self.api::<Job>().get(name).await?, how).await
    }

    /// A Job's pod, with these container statuses; what the kubelet would write.
    pub(crate) async fn pod_of(&self, job: &str, containers: &Value) -> Result<()> {
        let account: ServiceAccount = serde_json::from_value(json!({"metadata": {"name": "default"}}))?;
        let made = self.api::<ServiceAccount>().create(&PostParams::default(), &account).await;
        ensure!(made.is_ok() || matches!(made, Err(kube::Error::Api(_))), "no service account");
        let template = self.api::<Job>().get(job).await?.spec.context("a Job without spec")?.template;
        let mut pod = json!(template);
        pod["metadata"]["name"] = json!(format!("{job}-pod"));
        let pod: Pod = serde_json::from_value(pod)?;
        self.api::<Pod>().create(&PostParams::default(), &pod).await.context("creating a Job's pod")?;
        let status = Patch::Merge(json!({"status": {"phase": "Running", "containerStatuses": containers}}));
        self.api::<Pod>().patch_status(&format!("{job}-pod"), &PatchParams::default(), &status).await?;
        Ok(())
    }

    /// Waits until something is so, while nodes work.
    pub(crate) async fn waits<F>(&self, what: &str, mut is_so: impl FnMut() -> F) -> Result<()>
    where
        F: Future<Output = Result<bool>>,
    {
        let waiting = async {
            while !is_so().await? {
                self.nodes_work().await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            anyhow::Ok(())
        };
        let told = tokio::time::timeout(SOON, waiting).await;
        told.map_err(|_| anyhow!("waited in vain for {what}"))?
    }

    /// Waits for a condition, while nodes work.
    pub(crate) async fn waits_for(&self, kind: &str, wanted: &str) -> Result<()> {
        let reached = || async { Ok(self.condition(kind).await? == wanted) };
        let outcome = self.waits(&format!("{kind} to be {wanted}"), reached).await;
        outcome.with_context(|| format!("in namespace {}", self.namespace))
    }
}

/// What became of one look at the instance.
#[derive(Debug)]
pub(crate) enum Look {
    /// It ended well.
    Done,
    /// It failed and will be tried again.
    Failed(String),
    /// The operator died on the way.
    Died,
}

/// An operator that looks when it is told to: nothing happens between two looks.
pub(crate) struct Operator {
    ctx: Arc<Context>,
    client: Client,
    pub(crate) wire: Wire,
}

impl Operator {
    /// A process that has just started.
    pub(crate) fn starts(world: &World, wire: Wire) -> Result<Self> {
        let client = world.client(&wire)?;
        Ok(Self { ctx: context(&client), client, wire })
    }

    /// How long it waits for the API server before it gives a reconcile up.
    pub(crate) fn is_patient_for(&mut self, patience: Duration) {
        let mut ctx = context(&self.client);
        if let Some(ctx) = Arc::get_mut(&mut ctx) {
            ctx.patience = patience;
        }
        self.ctx = ctx;
    }

    /// One reconcile. An operator that dies on the way starts again, knowing nothing.
    pub(crate) async fn looks(&mut self, shop: &Shop) -> Result<Look> {
        let guard = Arc::new(DeserializeGuard(Ok(serde_json::from_value(shop.manifest()?)?)));
        tokio::select! {
            outcome = reconcile(guard, Arc::clone(&self.ctx)) => Ok(match outcome {
                Ok(_) => Look::Done,
                Err(error) => Look::Failed(error.to_string()),
            }),
            () = self.wire.killed() => {
                self.ctx = context(&self.client);
                Ok(Look::Died)
            }
        }
    }

    /// Looks again and again, while nodes work, until a look finds nothing left to do.
    pub(crate) async fn settles(&mut self, shop: &Shop) -> Result<()> {
        let mut last = Look::Died;
        for _ in 0..MANY {
            let before = self.wire.writes().len();
            last = self.looks(shop).await?;
            let quiet = matches!(last, Look::Done) && self.wire.writes().len() == before;
            if quiet && shop.condition("Ready").await? == "True Running" {
                return Ok(());
            }
            shop.nodes_work().await?;
        }
        Err(anyhow!("{} does not settle: {}, {last:?}", shop.namespace, shop.condition("Ready").await?))
    }
}

fn context(client: &Client) -> Arc<Context> {
    Arc::new(Context::new(client.clone(), "picket".to_owned(), Metrics::default(), "a-replica".to_owned()))
}

/// The operator as it is deployed, woken by its watches; it dies when this is dropped.
pub(crate) struct Running {
    task: JoinHandle<()>,
}

impl Running {
    /// Starts it for one namespace.
    pub(crate) fn start(world: &World, wire: &Wire, shop: &Shop) -> Result<Self> {
        let scope = Scope::Namespace(shop.namespace.clone());
        Ok(Self::start_on(world.runtime.handle(), &world.client(wire)?, scope))
    }

    /// Starts it with a client and a scope.
    pub(crate) fn start_on(runtime: &Handle, client: &Client, scope: Scope) -> Self {
        Self { task: runtime.spawn(controller::run(context(client), scope, std::future::pending())) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}
