//! The demo on Kubernetes: the chart, the samples, and external servers next to the cluster.
//!
//! What is applied is what `config/samples` holds; only the address an instance is reached at is this machine's, and
//! the Secrets the samples name are made here, with passwords of this run. On a cluster of the user's the external
//! servers run on this machine, so it must be reachable from there.

use std::fs;
use std::io::Read as _;
use std::net::{IpAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use harness::chromium::Browser;
use harness::cluster::{Client, Cluster, Tools};
use harness::forward::Forward;
use harness::images::{self, Image};
use harness::net::{LOOPBACK, NODE, Namespace, Place};
use harness::postgres::Postgres;
use harness::process::{Program, Supervised};
use harness::programs;
use harness::redis::{Durability, Redis};
use harness::run::Run;
use harness::smtp::Smtp;
use serde_json::{Value, json};

use crate::Then;
use crate::show::{self, Tracker, Witnesses};

const NAMESPACE: &str = "picket-demo";
const READY: Duration = Duration::from_mins(2);

/// Runs the demo on a cluster of its own.
pub(crate) fn on_local_cluster(picture: &Path, then: Then) -> Result<()> {
    let tools = Tools::prepare()?;
    let built = programs::release()?;
    let archives = [
        images::build(&Image::of("picket:dev", &built.picket)?)?,
        images::build(&Image::of("picket-operator:dev", &built.picket_operator)?)?,
    ];
    let run = Run::start()?;
    let browser = Browser::prepare(&run)?;
    let network = Namespace::create(&run)?;
    let inside = run.within(&network);
    let cluster = Cluster::up(&inside, &tools)?;
    for archive in &archives {
        cluster.import_image(archive)?;
    }
    let servers = Servers::start(&inside, NODE)?;
    let port = public_port()?;
    install(cluster.client(), &servers, port)?;
    let _forward = Forward::start_on(port, &network.place(), cluster.service_address(NAMESPACE, "shop-web")?)?;

    let tracker = tracker(cluster.client(), &servers, port)?;
    show::a_crash(&tracker, &Witnesses { smtp: Some(servers.smtp), browser: Some(browser) }, picture)?;
    println!("  {} -n {NAMESPACE} get si,pods\n", cluster.client().command_line()?);
    then.happen();
    Ok(())
}

/// Runs the demo on a cluster of the user's kubeconfig.
pub(crate) fn on_context(context: &str, picture: &Path, then: Then) -> Result<()> {
    println!("The cluster of {context} must have the images picket:dev and picket-operator:dev.");
    let client = Client::of_context(context)?;
    let run = Run::start()?;
    let browser = Browser::prepare(&run)?;
    // An earlier demo's database ended with it, and an instance remembers that its schema was migrated.
    client.kubectl(&["delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=120s"])?;
    let servers = Servers::start(&run, own_address()?)?;
    let port = public_port()?;
    install(&client, &servers, port)?;
    let _forward = forward(&run, &client, port)?;

    let tracker = tracker(&client, &servers, port)?;
    show::a_crash(&tracker, &Witnesses { smtp: Some(servers.smtp), browser: Some(browser) }, picture)?;
    println!(
        "The namespaces {NAMESPACE} and picket-system stay in the cluster; delete them when you have seen enough."
    );
    then.happen();
    Ok(())
}

/// The servers an instance uses, outside the cluster, and the passwords of this run.
#[derive(Debug)]
struct Servers {
    postgres: Postgres,
    database_password: String,
    redis: Redis,
    smtp: Smtp,
    admin_password: String,
}

impl Servers {
    fn start(run: &Run, listen: IpAddr) -> Result<Self> {
        let postgres = Postgres::start(run, listen)?;
        let database_password = new_password()?;
        postgres.create_database_with_owner("picket", &database_password, "picket")?;
        let redis = Redis::start_with(run, listen, Durability::AppendOnly, Some(&new_password()?))?;
        let smtp = Smtp::start(run, listen)?;
        Ok(Self { postgres, database_password, redis, smtp, admin_password: new_password()? })
    }

    /// Where the samples' Services must lead.
    fn endpoints(&self) -> [(&str, IpAddr, u16); 3] {
        [
            ("postgresql-external", self.postgres.host, self.postgres.port),
            ("redis-external", self.redis.host, self.redis.port),
            ("smtp-external", self.smtp.host, self.smtp.port),
        ]
    }

    /// The Secrets the samples name.
    fn secrets(&self) -> Value {
        let secret = |name: &str, data: Value| {
            let metadata = json!({"name": name, "namespace": NAMESPACE});
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data})
        };
        json!({"apiVersion": "v1", "kind": "List", "items": [
            secret("shop-postgresql", json!({"username": "picket", "password": self.database_password})),
            secret("shop-redis", json!({"password": self.redis.password})),
            secret("shop-admin", json!({"password": self.admin_password})),
        ]})
    }
}

/// Installs the chart and the samples, and waits until the instance is ready.
fn install(client: &Client, servers: &Servers, port: u16) -> Result<()> {
    let chart = harness::workspace().join("charts/picket").display().to_string();
    eprintln!("installing the chart");
    client.helm(&[
        "upgrade",
        "--install",
        "picket",
        &chart,
        "-n",
        "picket-system",
        "--create-namespace",
        "--set",
        "image.tag=dev",
        "--wait",
    ])?;

    eprintln!("applying config/samples");
    let samples = harness::workspace().join("config/samples");
    // `production.yaml` names servers of a company's own.
    for sample in ["namespace.yaml", "external-servers.yaml", "sentryinstance.yaml"] {
        client.kubectl(&["apply", "-f", &samples.join(sample).display().to_string()])?;
    }
    for (name, address, port) in servers.endpoints() {
        let change = json!([
            {"op": "replace", "path": "/endpoints/0/addresses", "value": [address]},
            {"op": "replace", "path": "/ports/0/port", "value": port},
        ]);
        let change = change.to_string();
        client.kubectl(&["patch", "endpointslice", name, "-n", NAMESPACE, "--type=json", "-p", &change])?;
    }
    // Before the Secrets, so that the instance starts with the address people see and not with the sample's.
    let change = json!({"spec": {"publicUrl": public_url(port)}}).to_string();
    client.kubectl(&["patch", "si/shop", "-n", NAMESPACE, "--type=merge", "-p", &change])?;
    client.apply(&servers.secrets().to_string())?;

    eprintln!("waiting until the instance is ready");
    let timeout = format!("--timeout={}s", READY.as_secs());
    let ready = client.kubectl(&["wait", "--for=condition=Ready", "si/shop", "-n", NAMESPACE, &timeout]);
    ready.map(drop).with_context(|| explain(client))
}

/// What the instance and its pods say about themselves, for a person who waits in vain.
fn explain(client: &Client) -> String {
    let conditions = "jsonpath={range .status.conditions[*]}{.type}={.status} {.reason}: {.message}{\"\\n\"}{end}";
    let conditions = client.kubectl(&["get", "si/shop", "-n", NAMESPACE, "-o", conditions]);
    let pods = client.kubectl(&["get", "pods", "-A"]);
    let logs =
        client.kubectl(&["logs", "-n", "picket-system", "-l", "app.kubernetes.io/name=picket-operator", "--tail=20"]);
    let texts = [conditions, pods, logs].map(|text| text.unwrap_or_else(|error| format!("{error:#}")));
    format!("the instance is not ready\n{}", texts.join("\n"))
}

fn tracker(client: &Client, servers: &Servers, port: u16) -> Result<Tracker> {
    let create = ["projects", "create", "--organization", "acme", "--name", "shop", "--json"];
    let arguments = [&["exec", "-n", NAMESPACE, "deploy/shop-web", "--", "/picket"], &create[..]].concat();
    let said = client.kubectl(&arguments).context("creating a project")?;
    let project: Option<Value> = said.lines().find_map(|line| serde_json::from_str(line).ok());
    let dsn = project.and_then(|project| Some(project["dsn"].as_str()?.to_owned()));
    let email = client.kubectl(&["get", "si/shop", "-n", NAMESPACE, "-o", "jsonpath={.spec.bootstrapAdmin.email}"])?;
    Ok(Tracker {
        url: public_url(port),
        email,
        password: servers.admin_password.clone(),
        dsn: dsn.with_context(|| format!("there is no DSN in {said}"))?,
        issues: "/acme/shop/issues/".to_owned(),
    })
}

/// `kubectl port-forward`, ready to take connections.
fn forward(run: &Run, client: &Client, port: u16) -> Result<Supervised> {
    let program: Program = client.program()?.name("port-forward");
    let pair = format!("{port}:80");
    let forward = program.args(["port-forward", "-n", NAMESPACE, "service/shop-web", &pair]).start(run)?;
    forward.wait_until(READY, || Place::Here.accepts((LOOPBACK, port).into()))?;
    Ok(forward)
}

fn public_url(port: u16) -> String {
    format!("http://{LOOPBACK}:{port}")
}

/// Sentry's port where it is free, which is easier to remember.
fn public_port() -> Result<u16> {
    let usual = std::net::TcpListener::bind((LOOPBACK, 9000)).map(|_| 9000);
    usual.or_else(|_| Place::Here.free_port(LOOPBACK))
}

/// The address this machine is known by on its network; asking for a route sends nothing.
fn own_address() -> Result<IpAddr> {
    let socket = UdpSocket::bind(("0.0.0.0", 0))?;
    socket.connect(("192.0.2.1", 9)).context("this machine has no network that a cluster could reach it on")?;
    Ok(socket.local_addr()?.ip())
}

fn new_password() -> Result<String> {
    let mut bytes = [0; 12];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |password, byte| format!("{password}{byte:02x}")))
}
