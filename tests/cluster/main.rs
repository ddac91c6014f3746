//! Stories about a real Kubernetes, in a network namespace of its own.
//!
//! The cluster is started once, for all stories that are selected; each uses a Kubernetes namespace of its own, so they
//! run side by side. `main` enters the network namespace before any thread starts, so that a story's own clients are
//! inside too. To add one: write a file per topic with a `STORIES` list, and name it here. Without root it is red.

mod operator;
mod shop;
mod workloads;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use harness::cluster::{Cluster, Tools};
use harness::images::{self, Image};
use harness::net::{self, Namespace};
use harness::programs;
use harness::run::Run;
use libtest_mimic::{Arguments, Trial};
use shop::World;

/// A claim about the cluster, and how it is shown.
struct Story {
    name: &'static str,
    run: fn(&World) -> Result<()>,
}

const TOPICS: &[&[Story]] = &[workloads::STORIES, operator::STORIES];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Two cores: more instances at once would only wait for each other.
    arguments.test_threads.get_or_insert(3);
    if arguments.list || !stories().any(|story| is_selected(&arguments, story.name)) {
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
    net::require_root("a cluster")?;
    let tools = Tools::prepare()?;
    let built = programs::release()?;
    let images = [
        images::build(&Image::busybox()?)?,
        images::build(&Image::of("picket:dev", &built.picket)?)?,
        images::build(&Image::of("picket-operator:dev", &built.picket_operator)?)?,
    ];
    let run = Run::start()?;
    let namespace = Namespace::create(&run)?;
    net::enter(namespace.path())?;
    let cluster = Cluster::up(&run, &tools)?;
    for image in &images {
        cluster.import_image(image)?;
    }
    Ok(libtest_mimic::run(arguments, trials(Some(&Arc::new(World::prepare(cluster)?)))).exit_code())
}

fn stories() -> impl Iterator<Item = &'static Story> {
    TOPICS.iter().copied().flatten()
}

/// The trials of all stories; without a world they can only be listed.
fn trials(world: Option<&Arc<World>>) -> Vec<Trial> {
    stories()
        .map(|story| {
            let world = world.cloned();
            Trial::test(story.name, move || {
                let world = world.ok_or("no cluster was started for this story")?;
                (story.run)(&world).map_err(|error| format!("{error:#}").into())
            })
        })
        .collect()
}

/// What libtest-mimic will decide, asked before a cluster is started in vain.
fn is_selected(arguments: &Arguments, name: &str) -> bool {
    let fits = |filter: &String| if arguments.exact { name == filter } else { name.contains(filter.as_str()) };
    !arguments.ignored && arguments.filter.as_ref().is_none_or(fits) && !arguments.skip.iter().any(fits)
}
