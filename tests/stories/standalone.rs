//! One process, no server to install.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use harness::{
    net::wait_for_some,
    process::{Program, Supervised},
};
use reqwest::blocking::Client;
use serde_json::Value;

use crate::{
    Story,
    platform::{SOON, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "standalone_prints_one_line_and_finds_its_data_again", run: standalone_finds_its_data_again },
    Story { name: "standalone_killed_with_events_under_way_loses_none", run: standalone_killed_loses_none },
];

struct Standalone {
    process: Supervised,
    told: Value,
    client: Client,
}

impl Standalone {
    fn start(world: &World, data: &Path) -> Result<Standalone> {
        let process = Program::new(&world.picket)
            .name("standalone")
            .args(["standalone", "--json", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data)
            .start(&world.run)?;
        let told =
            wait_for_some("the line of JSON", SOON, || told(&process).ok()).with_context(|| process.last_words())?;
        Ok(Standalone { process, told, client: Client::builder().timeout(Duration::from_secs(10)).build()? })
    }

    fn text(&self, name: &str) -> &str {
        self.told[name].as_str().unwrap_or_default()
    }

    fn receives(&self, value: &str) -> Result<bool> {
        let key = self.text("dsn").split("://").nth(1).and_then(|rest| rest.split('@').next()).unwrap_or_default();
        let project = self.text("dsn").rsplit('/').next().unwrap_or_default();
        let url = format!("{}/api/{project}/store/?sentry_key={key}", self.text("url").trim_end_matches('/'));
        Ok(self.client.post(url).body(error("Gone", value).to_string()).send()?.status() == 200)
    }

    fn issues(&self) -> Result<Value> {
        let path = format!("/api/0/projects/{}/{}/issues/", self.text("org"), self.text("project"));
        let url = format!("{}{path}", self.text("url").trim_end_matches('/'));
        Ok(self.client.get(url).bearer_auth(self.text("token")).send()?.json()?)
    }

    fn waits_for_count(&self, count: &str) -> Result<()> {
        let counted = || self.issues().ok().filter(|issues| issues[0]["count"] == count).map(|_| ());
        wait_for_some("the count", SOON, counted).with_context(|| format!("issues: {:?}", self.issues()))
    }
}

/// The JSON in the log, where standard error stands too.
fn told(process: &Supervised) -> Result<Value> {
    let log = fs::read_to_string(process.log())?;
    let line = log.lines().rfind(|line| line.starts_with('{')).context("there is no line yet")?;
    Ok(serde_json::from_str(line)?)
}

fn standalone_finds_its_data_again(world: &World) -> Result<()> {
    let data = world.run.folder("standalone")?;
    let first = Standalone::start(world, &data)?;
    for name in ["url", "dsn", "email", "password", "token", "org", "project", "project_id"] {
        ensure!(!first.told[name].is_null(), "{name} is missing in {}", first.told);
    }
    ensure!(first.receives("umbrella")?, "the event was refused");
    first.waits_for_count("1")?;
    first.process.interrupt()?;
    let status = first.process.wait(SOON)?;
    ensure!(status.success(), "Ctrl-C stops it cleanly, got {status}: {}", first.process.last_words());

    let second = Standalone::start(world, &data)?;
    ensure!(second.text("password") == first.text("password") && second.text("token") == first.text("token"));
    second.waits_for_count("1")?;
    ensure!(second.receives("umbrella")?, "the event was refused");
    second.waits_for_count("2")?;
    second.process.interrupt()?;
    second.process.wait(SOON)?;
    Ok(())
}

fn standalone_killed_loses_none(world: &World) -> Result<()> {
    let data = world.run.folder("standalone")?;
    let first = Standalone::start(world, &data)?;
    for item in 0..200 {
        ensure!(first.receives(&format!("item {item}"))?, "the event was refused");
    }
    first.process.kill_now();
    let second = Standalone::start(world, &data)?;
    second.waits_for_count("200")?;
    second.process.interrupt()?;
    second.process.wait(SOON)?;
    Ok(())
}
