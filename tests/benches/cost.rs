//! What a process costs: the CPU time it has used, and the memory it holds. CPU time is what to trust on a busy machine.

use std::{fs, time::Duration};

use anyhow::{Context, Result};
use harness::process::Supervised;

/// Linux counts CPU time in hundredths of a second for every program.
const TICK: Duration = Duration::from_millis(10);
/// Where the fields after the program's name begin to tell of: parent, then user, system, children's user and system time.
const PARENT: usize = 1;
const TIMES: std::ops::RangeInclusive<usize> = 11..=14;

/// The CPU time of a process and all its children, those that have ended included.
pub fn cpu(pid: i32) -> Result<Duration> {
    let own = used(&stat(&pid.to_string()).context("the process has ended")?);
    let mut children = 0;
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        // One that ends meanwhile is counted by its parent the next time.
        let Some(fields) = name.to_str().filter(|name| name.parse::<u32>().is_ok()).and_then(stat) else { continue };
        if fields.get(PARENT).is_some_and(|parent| *parent == pid.to_string()) {
            children += used(&fields);
        }
    }
    Ok(TICK * (own + children))
}

/// The CPU time of this program.
pub fn own_cpu() -> Result<Duration> {
    Ok(TICK * used(&stat("self").context("reading about this program")?))
}

/// The memory a process holds, in MB.
pub fn rss(process: &Supervised) -> Result<f64> {
    memory(process, "VmRSS:")
}

/// The most memory a process ever held, in MB.
pub fn peak(process: &Supervised) -> Result<f64> {
    memory(process, "VmHWM:")
}

fn memory(process: &Supervised, line: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", process.pid()?))?;
    let kilobytes = status.lines().find_map(|text| text.strip_prefix(line)).context("the kernel does not say")?;
    let kilobytes: f64 = kilobytes.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024.0)
}

/// What stands after the name of the program, which may hold spaces and parentheses.
fn stat(pid: &str) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

fn used(fields: &[String]) -> u32 {
    fields.get(TIMES).into_iter().flatten().filter_map(|ticks| ticks.parse::<u32>().ok()).sum()
}

/// Microseconds of each of so many.
#[expect(clippy::cast_precision_loss, reason = "a count of requests is far below 2^52")]
pub fn each(used: Duration, count: usize) -> f64 {
    used.as_secs_f64() * 1e6 / count as f64
}
