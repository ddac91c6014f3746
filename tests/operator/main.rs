//! Stories about the operator and the Kubernetes API: a real API server without nodes, in a network namespace of its own.
//!
//! The operator runs inside this program, over a wire that is overheard and can be cut (`wire`). The stories play the parts
//! that are missing, kubelet and controller manager, by writing statuses (`shop`), so each decides when what happens and no
//! pod has to start; with no node, a life takes a fraction of a second. What needs pods is told in `tests/cluster`. To add one: write a file per topic with a `STORIES` list, and
//! name it here. Without root it is red.

mod faults;
mod gitops;
mod leases;
mod nodes;
mod permissions;
mod shop;
mod traps;
mod wire;
mod world;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use harness::cluster::{ApiServer, Tools};
use harness::net::{self, Namespace};
use harness::run::Run;
use libtest_mimic::{Arguments, Trial};
use world::World;

/// A claim about the operator, and how it is shown.
struct Story {
    name: &'static str,
    run: fn(&World) -> Result<()>,
}

const TOPICS: &[&[Story]] = &[traps::STORIES, leases::STORIES, permissions::STORIES, gitops::STORIES, faults::STORIES];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(4);
    if arguments.list {
        return libtest_mimic::run(&arguments, trials(None)).exit_code();
    }
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    net::require_root("an API server in a network namespace")?;
    let tools = Tools::prepare_api_server()?;
    let run = Run::start()?;
    let namespace = Namespace::create(&run)?;
    net::enter(namespace.path())?;
    let world = Arc::new(World::prepare(ApiServer::start(&run, &tools)?)?);
    Ok(libtest_mimic::run(arguments, trials(Some(&world))).exit_code())
}

/// The trials of all stories; without a world they can only be listed.
fn trials(world: Option<&Arc<World>>) -> Vec<Trial> {
    TOPICS
        .iter()
        .copied()
        .flatten()
        .map(|story| {
            let world = world.cloned();
            Trial::test(story.name, move || {
                let world = world.ok_or("no API server was started for this story")?;
                (story.run)(&world).map_err(|error| format!("{error:#}").into())
            })
        })
        .collect()
}
