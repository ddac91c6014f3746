//! A shop's error tracker: the sample instance in a namespace of a story's own, on external servers that all stories share.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::cluster::Cluster;
use harness::net::{NODE, wait_for, wait_for_some};
use harness::postgres::Postgres;
use harness::redis::{Durability, Redis};
use harness::smtp::Smtp;
use serde_json::{Value, json};

/// Long enough for two cores that run a cluster and several stories.
pub(crate) const SOON: Duration = Duration::from_mins(4);
/// Stories do not share a queue; Redis has so many databases.
const REDIS_DATABASES: u32 = 16;
const SYSTEM: &str = "picket-system";

/// The cluster with the chart installed, and the servers outside.
pub(crate) struct World {
    pub(crate) cluster: Cluster,
    postgres: Postgres,
    redis: Redis,
    pub(crate) smtp: Smtp,
    next_redis: AtomicU32,
}

impl World {
    /// Starts the servers and installs the chart, with images that the cluster has.
    pub(crate) fn prepare(cluster: Cluster) -> Result<Self> {
        let run = cluster.run().clone();
        let postgres = Postgres::start(&run, NODE)?;
        let redis = Redis::start_with(&run, NODE, Durability::AppendOnly, Some("redis password"))?;
        let smtp = Smtp::start(&run, NODE)?;
        let chart = harness::workspace().join("charts/picket").display().to_string();
        let install =
            ["install", "picket", &chart, "-n", SYSTEM, "--create-namespace", "--set", "image.tag=dev", "--wait"];
        cluster.helm(&install)?;
        Ok(Self { cluster, postgres, redis, smtp, next_redis: AtomicU32::new(0) })
    }

    /// A counter of the operator's replica that works.
    pub(crate) fn operator_metric(&self, name: &str) -> Result<f64> {
        let pods = ["get", "pods", "-n", SYSTEM, "-l", "app.kubernetes.io/name=picket-operator", "-o", "name"];
        let mut total = 0.0;
        for pod in self.cluster.kubectl(&pods)?.lines() {
            let path =
                format!("/api/v1/namespaces/{SYSTEM}/pods/{}:9100/proxy/metrics", pod.trim_start_matches("pod/"));
            let text = self.cluster.kubectl(&["get", "--raw", &path])?;
            let values = text.lines().filter(|line| line.starts_with(name)).filter_map(|line| line.rsplit(' ').next());
            total += values.filter_map(|value| value.parse::<f64>().ok()).sum::<f64>();
        }
        Ok(total)
    }

    /// The pod that has the Lease.
    pub(crate) fn leader(&self) -> Result<String> {
        self.cluster.kubectl(&["get", "lease", "picket", "-n", SYSTEM, "-o", "jsonpath={.spec.holderIdentity}"])
    }

    /// Kills a replica of the operator at once.
    pub(crate) fn kill_operator(&self, pod: &str) -> Result<()> {
        self.cluster
            .kubectl(&["delete", "pod", pod, "-n", SYSTEM, "--grace-period=0", "--force", "--wait=false"])
            .map(drop)
    }
}

/// One instance.
pub(crate) struct Shop<'w> {
    pub(crate) world: &'w World,
    pub(crate) namespace: &'static str,
}

impl<'w> Shop<'w> {
    /// Applies the sample in a new namespace and waits until it is ready.
    pub(crate) fn open(world: &'w World, namespace: &'static str) -> Result<Self> {
        let shop = Self::apply(world, namespace, "the password")?;
        shop.waits_for("Ready", "True")?;
        Ok(shop)
    }

    /// Applies the sample with the database password it is told.
    pub(crate) fn apply(world: &'w World, namespace: &'static str, password: &str) -> Result<Self> {
        let shop = Self { world, namespace };
        world.postgres.create_database_with_owner(&shop.database(), "the password", &shop.database())?;
        world.cluster.create_namespace(namespace)?;
        shop.secret("shop-postgresql", &json!({"username": shop.database(), "password": password}))?;
        shop.secret("shop-redis", &json!({"password": world.redis.password}))?;
        shop.secret("shop-admin", &json!({"password": "admin password"}))?;
        world.cluster.apply(&shop.manifest()?.to_string())?;
        Ok(shop)
    }

    fn database(&self) -> String {
        self.namespace.replace('-', "_")
    }

    /// The sample, with this namespace and the addresses of the servers.
    fn manifest(&self) -> Result<Value> {
        let text = fs::read_to_string(harness::workspace().join("config/samples/sentryinstance.yaml"))?;
        let mut instance: Value = serde_saphyr::from_str(&text)?;
        instance["metadata"]["namespace"] = json!(self.namespace);
        let spec = &mut instance["spec"];
        spec["database"]["host"] = json!(self.world.postgres.host);
        spec["database"]["port"] = json!(self.world.postgres.port);
        spec["database"]["name"] = json!(self.database());
        spec["redis"]["host"] = json!(self.world.redis.host);
        spec["redis"]["port"] = json!(self.world.redis.port);
        spec["redis"]["db"] = json!(self.world.next_redis.fetch_add(1, Ordering::Relaxed) % REDIS_DATABASES);
        spec["mail"]["host"] = json!(self.world.smtp.host);
        spec["mail"]["port"] = json!(self.world.smtp.port);
        spec["publicUrl"] = json!(format!("http://shop-web.{}.svc", self.namespace));
        Ok(instance)
    }

    /// Makes or changes a Secret.
    pub(crate) fn secret(&self, name: &str, data: &Value) -> Result<()> {
        let metadata = json!({"name": name, "namespace": self.namespace});
        self.world.cluster.apply(
            &json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}).to_string(),
        )?;
        Ok(())
    }

    /// Runs `kubectl` in the namespace.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        self.world.cluster.kubectl(&[arguments, &["-n", self.namespace]].concat())
    }

    /// Changes the spec, as an edit of the YAML does.
    pub(crate) fn patch(&self, spec: &Value) -> Result<()> {
        let change = json!({ "spec": spec }).to_string();
        self.kubectl(&["patch", "si/shop", "--type=merge", "-p", &change]).map(drop)
    }

    /// An object of the namespace.
    pub(crate) fn get(&self, object: &str) -> Result<Value> {
        Ok(serde_json::from_str(&self.kubectl(&["get", object, "-o", "json"])?)?)
    }

    /// A condition of the instance that is about its present generation.
    pub(crate) fn condition(&self, kind: &str) -> Option<Value> {
        let instance = self.get("si/shop").ok()?;
        let generation = &instance["metadata"]["generation"];
        let conditions = instance["status"]["conditions"].as_array()?;
        conditions.iter().find(|c| c["type"] == kind && &c["observedGeneration"] == generation).cloned()
    }

    /// Waits for a condition's status and returns the condition.
    pub(crate) fn waits_for(&self, kind: &str, status: &str) -> Result<Value> {
        let reached = || self.condition(kind).filter(|condition| condition["status"] == status);
        wait_for_some(&format!("{kind}={status} in {}", self.namespace), SOON, reached).with_context(|| self.explain())
    }

    /// Waits until so many pods of a component are ready, and no others are left.
    pub(crate) fn waits_for_pods(&self, component: &str, count: usize) -> Result<()> {
        let ready = || {
            let pods = self.pods(component).unwrap_or_default();
            let ready = pods.iter().filter(|pod| is_ready(pod)).count();
            ready == count && pods.len() == count
        };
        wait_for(&format!("{count} pods of {component}"), SOON, ready).with_context(|| self.explain())
    }

    /// The pods of a component.
    pub(crate) fn pods(&self, component: &str) -> Result<Vec<Value>> {
        let label = format!("app.kubernetes.io/component={component}");
        let list = self.kubectl(&["get", "pods", "-l", &label, "-o", "json"])?;
        let list: Value = serde_json::from_str(&list)?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    /// The names of a component's pods, sorted.
    pub(crate) fn pod_names(&self, component: &str) -> Result<Vec<String>> {
        let pods = self.pods(component)?;
        let mut names: Vec<String> =
            pods.iter().filter_map(|pod| Some(pod["metadata"]["name"].as_str()?.to_owned())).collect();
        names.sort();
        Ok(names)
    }

    /// What of everything the operator made has which version: equal before and after when nothing was written.
    pub(crate) fn versions(&self) -> Result<String> {
        let kinds = "si,deployments,services,ingresses,secrets,pdb,jobs";
        let columns = "custom-columns=K:.kind,N:.metadata.name,V:.metadata.resourceVersion,G:.metadata.generation";
        self.kubectl(&["get", kinds, "-o", columns, "--no-headers"])
    }

    /// Makes a project and returns its DSN.
    pub(crate) fn dsn(&self) -> Result<String> {
        let create = ["exec", "deploy/shop-web"];
        let arguments = ["--", "/picket", "projects", "create", "--organization", "acme", "--name", "shop"];
        let namespace = ["-n", self.namespace];
        let said = self.world.cluster.kubectl(&[&create[..], &namespace, &arguments].concat())?;
        let dsn = said.lines().find(|line| line.contains("://")).context("no DSN was printed")?;
        ensure!(dsn.contains('@'), "that is no DSN: {dsn}");
        Ok(dsn.to_owned())
    }

    /// What the instance, its pods and the operator say, for a story that waited in vain.
    fn explain(&self) -> String {
        let conditions = "jsonpath={range .status.conditions[*]}{.type}={.status} {.reason}: {.message}{\"\\n\"}{end}";
        let told = [
            self.kubectl(&["get", "si/shop", "-o", conditions]),
            self.kubectl(&["get", "pods,jobs,deployments"]),
            self.kubectl(&[
                "logs",
                "-l",
                "app.kubernetes.io/managed-by=picket-operator",
                "--tail=5",
                "--all-containers",
                "--prefix",
            ]),
            self.world.cluster.kubectl(&[
                "logs",
                "-n",
                SYSTEM,
                "-l",
                "app.kubernetes.io/name=picket-operator",
                "--tail=8",
            ]),
        ];
        told.map(|text| text.unwrap_or_else(|error| format!("{error:#}"))).join("\n")
    }
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}
