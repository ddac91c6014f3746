//! A storm: one bug, a hundred thousand times, where every event is to be told to a DingTalk robot that takes twenty messages a
//! minute. What is measured is what telling costs the storing of events; what is claimed is that the robot hears at most what
//! its limit allows, and then all the rest in one digest.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use harness::{
    far_end::{FarEnd, Place},
    net::{free_port, wait_for},
    process::Supervised,
};
use reqwest::blocking::Client;
use serde_json::{Value, json};

use crate::{Bench, Effort, LOOPBACK, end_to_end::send_until_stored, load};

const START: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_mins(5);
const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "a long password of the benchmarks";
const TOKEN: &str = "sntryu_00000000000000000000000000000000000000000000000000000000deadbeef";
/// The robot, by its access token, and the messages it takes in a minute.
const ROBOT: &str = "ding";
const PER_MINUTE: usize = 20;

/// A database with a web and a worker process.
struct Site<'b> {
    bench: &'b Bench,
    database: &'static str,
    address: SocketAddr,
    key: String,
    _processes: [Supervised; 2],
}

/// Prints the rates without the rule and with it, their ratio, and what the robot was told.
pub fn measure(bench: &Bench) -> Result<()> {
    let events = match bench.effort {
        Effort::Quick => 300,
        Effort::Full => 100_000,
    };
    println!("storm: {events} events of one bug, each to be told to a robot that takes {PER_MINUTE} messages a minute");
    let far_end = FarEnd::start()?;
    far_end.open(ROBOT, Place { per_minute: Some(PER_MINUTE), ..Place::default() });
    let quiet = Site::open(bench, "quiet_storm")?.rages(events)?;
    let site = Site::open(bench, "storm")?;
    site.tells_all(&far_end)?;
    let told = site.rages(events)?;
    let (single, together) = site.digest(&far_end, events)?;
    println!("  {:.2} ({told:.0} ÷ {quiet:.0} events/s)", told / quiet);
    println!("  {single} messages, and then one of {together} together");
    Ok(())
}

impl Site<'_> {
    fn open<'b>(bench: &'b Bench, database: &'static str) -> Result<Site<'b>> {
        let key = bench.database(database)?;
        bench
            .picket(database, &["createuser", "--email", EMAIL, "--password", PASSWORD, "--superuser", "--no-input"])?;
        let address = SocketAddr::new(LOOPBACK, free_port()?);
        let settings = [
            ("SENTRY_WEB_LISTEN", address.to_string()),
            ("SENTRY_OUTBOUND_ALLOW", LOOPBACK.to_string()),
            // Longer than any storm: what has not been told one by one by then waits for its end.
            ("SENTRY_ALERT_DIGEST_SECONDS", "3600".to_owned()),
        ];
        let [web, worker] = ["web", "worker"].map(|role| bench.start(role, database, &settings));
        let processes = [web?, worker?];
        processes[0].wait_until(START, || bench.run.place().accepts(address))?;
        Ok(Site { bench, database, address, key, _processes: processes })
    }

    /// Adds the robot, and a rule of every event.
    fn tells_all(&self, far_end: &FarEnd) -> Result<()> {
        self.sql(&format!(
            "insert into api_tokens (token_hash, user_id, name, created_at)
             select sha256('{TOKEN}'), id, 'storm', now() from users where is_superuser"
        ))?;
        let robot = json!({"access_token": ROBOT, "server": far_end.url("")});
        let robot = self.post("channels", &json!({"kind": "dingtalk", "name": "The robot", "config": robot}))?;
        self.post(
            "rules",
            &json!({
                "name": "every", "actionMatch": "all", "frequency": 0,
                "conditions": [{"id": "sentry.rules.conditions.every_event.EveryEventCondition"}],
                "actions": [{"id": "picket.actions.NotifyChannelAction", "channel": robot["id"]}],
            }),
        )?;
        Ok(())
    }

    fn post(&self, what: &str, body: &Value) -> Result<Value> {
        let url = format!("http://{}/api/0/projects/acme/shop/{what}/", self.address);
        let answer = Client::new().post(url).bearer_auth(TOKEN).json(body).send()?;
        let status = answer.status();
        let text = answer.text()?;
        ensure!(status.is_success(), "{what} were answered {status}: {text}");
        Ok(serde_json::from_str(&text)?)
    }

    /// Events a second, from the first request until the last event is stored.
    fn rages(&self, events: usize) -> Result<f64> {
        let requests = (0..events).map(|_| load::request("/api/1/envelope/", &self.key, &load::event(0)));
        let requests = Arc::new(requests.collect::<Result<Vec<_>>>()?);
        let started = std::time::Instant::now();
        tokio::runtime::Runtime::new()?.block_on(send_until_stored(self.bench, self.address, requests))?;
        #[expect(clippy::cast_precision_loss, reason = "a count of events is far below 2^52")]
        let rate = events as f64 / started.elapsed().as_secs_f64();
        let stored = self.sql("select count(*) || ' of ' || count(distinct issue_id) from events")?;
        ensure!(stored == format!("{events} of 1"), "{stored} issues were stored");
        Ok(rate)
    }

    /// Ends the wait for the digest, and counts what was told one by one and together.
    fn digest(&self, far_end: &FarEnd, events: usize) -> Result<(usize, usize)> {
        let planned = self.sql("select count(*) from deliveries where user_id = 0")?;
        ensure!(planned == events.to_string(), "{planned} alerts are to be told");
        self.sql("update delivery_lanes set digest_at = now() where channel_id <> 0")?;
        let waiting = "select count(*) from deliveries where user_id = 0 and due_at is not null";
        wait_for("the digest", PATIENCE, || self.sql(waiting).is_ok_and(|left| left == "0"))
            .with_context(|| format!("refused: {:?}", far_end.refused()))?;
        let told = far_end.told(ROBOT);
        let words = told.last().and_then(|last| last.body["markdown"]["text"].as_str()).unwrap_or_default();
        let together = self.sql("select count(*) from deliveries where user_id = 0 and state = 3")?;
        ensure!(words.contains(&format!("{together} alerts about 1 issue, told together")), "the digest says {words}");
        let (single, together) = (told.len() - 1, together.parse()?);
        ensure!(single + together == events, "{single} and {together} together are not {events}");
        ensure!(far_end.refused().is_empty(), "something was too much for the robot: {:?}", far_end.refused());
        Ok((single, together))
    }

    fn sql(&self, query: &str) -> Result<String> {
        Ok(self.bench.postgres.sql(self.database, query)?.trim().to_owned())
    }
}
