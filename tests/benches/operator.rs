//! The operator with many instances, on a real API server without nodes, whose part this plays.
//!
//! A reconcile without change is provoked by an annotation of a user's; how long it took is what the operator's own histogram
//! says. The API server, this program and the operator share the machine.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use harness::cluster::{ApiServer, Tools};
use harness::net::Namespace;
use harness::process::{Program, Supervised};
use harness::run::Run;
use k8s_openapi::api::core::v1;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use picket_operator::instance::SentryInstance;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{Bench, Effort, cost, nodes};

const METRICS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9100);
const LONG: Duration = Duration::from_mins(10);
const AT_ONCE: usize = 8;

/// Prints how the operator does with many instances.
pub fn measure(bench: &Bench) -> Result<()> {
    let tools = Tools::prepare_api_server()?;
    let namespace = Namespace::create(&bench.run)?;
    let run = bench.run.within(&namespace);
    let server = ApiServer::start(&run, &tools)?;
    server.client().apply(&file("crds/sentryinstance.yaml")?)?;
    let (instances, rounds) = match bench.effort {
        Effort::Quick => (5, 1),
        Effort::Full => (100, 10),
    };
    let fleet = Fleet { run: &run, server: &server, bench, instances };
    // All of it on one thread, which is inside the namespace.
    namespace
        .place()
        .run(|| tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(fleet.measured(rounds)))?
}

struct Fleet<'b> {
    run: &'b Run,
    server: &'b ApiServer,
    bench: &'b Bench,
    instances: u32,
}

impl Fleet<'_> {
    async fn measured(&self, rounds: u32) -> Result<()> {
        let kubeconfig = Kubeconfig::read_from(self.server.kubeconfig())?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        let client = Client::try_from(config)?;
        let numbers = futures::stream::iter(0..self.instances);
        numbers.map(|number| apply(&client, number)).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        println!("operator: {} instances, the API server and the operator on this machine", self.instances);

        let began = Instant::now();
        let operator = self.start()?;
        until_all_run(&client, self.instances).await?;
        println!("  installed: all ready {:.1} s after the operator's start", began.elapsed().as_secs_f64());
        quiet().await?;

        let before = Told::now()?;
        let cpu = cost::cpu(operator.pid()?)?;
        for round in 0..rounds {
            let so_far = Told::now()?.reconciles();
            touch(&client, self.instances, round).await?;
            while Told::now()?.reconciles() < so_far + f64::from(self.instances) {
                sleep(Duration::from_millis(20)).await;
            }
        }
        quiet().await?;
        let told = Told::now()?.since(&before);
        let each = (cost::cpu(operator.pid()?)?.saturating_sub(cpu)).as_secs_f64() * 1e3 / told.reconciles();
        println!(
            "  without change: {} reconciles, 8 at once: p50 {:.1} ms, p99 {:.1} ms, CPU {each:.1} ms each, {} writes",
            told.reconciles(),
            told.quantile(0.5) * 1e3,
            told.quantile(0.99) * 1e3,
            told.writes()
        );
        println!("  memory: {:.0} MB, {:.0} MB at most", cost::rss(&operator)?, cost::peak(&operator)?);

        operator.stop();
        let began = Instant::now();
        let operator = self.start()?;
        while Told::now().map_or(0.0, |told| told.reconciles()) < f64::from(self.instances) {
            sleep(Duration::from_millis(20)).await;
        }
        let took = began.elapsed().as_secs_f64();
        println!("  restarted: every instance looked at after {took:.1} s, {} writes", Told::now()?.writes());
        println!("  memory after that: {:.0} MB", cost::rss(&operator)?);
        Ok(())
    }

    fn start(&self) -> Result<Supervised> {
        let operator = Program::new(&self.bench.picket_operator)
            .args(["run", "--log", "warn", "--listen"])
            .arg(METRICS.to_string())
            .env("KUBECONFIG", self.server.kubeconfig())
            .start(self.run)?;
        operator.wait_until(LONG, || Told::now().is_ok())?;
        Ok(operator)
    }
}

fn file(path: &str) -> Result<String> {
    fs::read_to_string(harness::workspace().join(path)).with_context(|| format!("reading {path}"))
}

fn namespace(number: u32) -> String {
    format!("shop-{number}")
}

/// The sample with its Secrets, in a namespace of its own.
async fn apply(client: &Client, number: u32) -> Result<()> {
    let namespace = namespace(number);
    let made: v1::Namespace = serde_json::from_value(json!({"metadata": {"name": namespace}}))?;
    Api::all(client.clone()).create(&PostParams::default(), &made).await?;
    let secrets: Api<v1::Secret> = Api::namespaced(client.clone(), &namespace);
    for name in ["shop-postgresql", "shop-redis", "shop-admin"] {
        let data = json!({"username": "picket", "password": "password"});
        let secret: v1::Secret = serde_json::from_value(json!({"metadata": {"name": name}, "stringData": data}))?;
        secrets.create(&PostParams::default(), &secret).await?;
    }
    let mut instance: Value = serde_saphyr::from_str(&file("config/samples/sentryinstance.yaml")?)?;
    instance["metadata"]["namespace"] = json!(namespace);
    let instance: SentryInstance = serde_json::from_value(instance)?;
    Api::namespaced(client.clone(), &namespace).create(&PostParams::default(), &instance).await?;
    Ok(())
}

/// Plays the nodes until every instance is ready.
async fn until_all_run(client: &Client, instances: u32) -> Result<()> {
    let began = Instant::now();
    loop {
        nodes::work(client, None).await?;
        let all = Api::<SentryInstance>::all(client.clone()).list(&ListParams::default()).await?;
        let is_ready = |it: &&SentryInstance| {
            let conditions = it.status.iter().flat_map(|status| &status.conditions);
            conditions.clone().any(|condition| condition.type_ == "Ready" && condition.status == "True")
        };
        if all.iter().filter(is_ready).count() == instances as usize {
            return Ok(());
        }
        ensure!(began.elapsed() < LONG, "not all instances became ready");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Gives every instance another annotation.
async fn touch(client: &Client, instances: u32, round: u32) -> Result<()> {
    let change = json!({"metadata": {"annotations": {"bench": round.to_string()}}});
    let touches = futures::stream::iter(0..instances).map(|number| {
        let (api, change): (Api<SentryInstance>, _) =
            (Api::namespaced(client.clone(), &namespace(number)), Patch::Merge(change.clone()));
        async move { api.patch("shop", &PatchParams::default(), &change).await.map(drop) }
    });
    Ok(touches.buffer_unordered(AT_ONCE).try_collect::<()>().await?)
}

/// Waits until the operator has nothing to do for a second.
async fn quiet() -> Result<()> {
    let began = Instant::now();
    let mut last = -1.0;
    loop {
        let now = Told::now()?.reconciles();
        if (now - last).abs() < 0.5 {
            return Ok(());
        }
        last = now;
        ensure!(began.elapsed() < LONG, "the operator never rests");
        sleep(Duration::from_secs(1)).await;
    }
}

/// What the operator's /metrics say, by line without its value.
struct Told(BTreeMap<String, f64>);

impl Told {
    fn now() -> Result<Self> {
        let mut connection = TcpStream::connect(METRICS)?;
        connection.write_all(b"GET /metrics HTTP/1.0\r\n\r\n")?;
        let mut text = String::new();
        connection.read_to_string(&mut text)?;
        let lines = text.lines().filter_map(|line| line.rsplit_once(' '));
        Ok(Self(lines.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()))
    }

    fn since(&self, before: &Self) -> Self {
        let difference = |(name, value): (&String, &f64)| (name.clone(), value - before.0.get(name).unwrap_or(&0.0));
        Self(self.0.iter().map(difference).collect())
    }

    fn sum(&self, prefix: &str) -> f64 {
        let values = self.0.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(_, value)| value);
        values.fold(0.0, |sum, value| sum + value)
    }

    fn reconciles(&self) -> f64 {
        self.sum("picket_operator_reconciles_total")
    }

    fn writes(&self) -> f64 {
        self.sum("picket_operator_writes_total")
    }

    /// Seconds, interpolated within the histogram's bucket.
    fn quantile(&self, part: f64) -> f64 {
        let prefix = "picket_operator_reconcile_duration_seconds_bucket{le=\"";
        let bound = |name: &str| name.strip_prefix(prefix)?.strip_suffix("\"}")?.parse::<f64>().ok();
        let mut buckets: Vec<(f64, f64)> =
            self.0.iter().filter_map(|(name, count)| Some((bound(name)?, *count))).collect();
        buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        let wanted = part * buckets.last().map_or(0.0, |(_, count)| *count);
        let mut below = (0.0, 0.0);
        for (bound, count) in buckets {
            if count >= wanted && bound.is_finite() {
                return below.0 + (bound - below.0) * (wanted - below.1) / (count - below.1).max(1.0);
            }
            below = (bound, count);
        }
        f64::INFINITY
    }
}
