//! The cost of preparing an event, step by step: CPU time in the release binary itself, as `picket events try` tells it.

use std::fs;

use anyhow::{Context, Result};
use harness::process::output;
use serde_json::Value;

use crate::{Bench, Effort, events};

/// Prints the microseconds of each step for events of several kinds.
pub fn measure(bench: &Bench) -> Result<()> {
    let rounds = match bench.effort {
        Effort::Quick => "100",
        Effort::Full => "5000",
    };
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("event.json");
    println!("prepare: µs of CPU an event, median of {rounds}");
    for (name, event) in events::all() {
        fs::write(&file, event.to_string())?;
        let mut picket = bench.run.place().command(&bench.picket);
        picket.args(["events", "try", "--rounds", rounds]).arg(&file).env("SENTRY_LOG_LEVEL", "warn");
        let told: Value = serde_json::from_str(&output(&mut picket)?).context("reading what `events try` printed")?;
        let steps = told["microseconds"].as_object().context("no microseconds were printed")?;
        let all = steps.get("all").and_then(Value::as_f64).context("no sum was printed")?;
        let parts: Vec<String> =
            steps.iter().filter(|(step, _)| *step != "all").map(|(step, took)| format!("{step} {took}")).collect();
        println!(
            "  {name}, {} bytes, {} stored: {all:.0} = {}",
            told["bytes_sent"],
            told["bytes_stored"],
            parts.join(" + ")
        );
    }
    Ok(())
}
