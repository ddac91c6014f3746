//! Stories about the platform: the real program, on real PostgreSQL, Redis and SMTP, over HTTP.
//!
//! PostgreSQL is started once; each story has a database, a Redis and processes of its own, so they run side by side and may
//! kill what they like. To add one: write a file per topic with a `STORIES` list, and name it here.

mod abuse;
mod alerts;
mod browsers;
mod channels;
mod check;
mod commands;
mod configured;
mod crashes;
mod deliveries;
mod durability;
mod edge;
mod fates;
mod feedback;
mod files;
mod following;
mod grouping;
mod health;
mod ingest;
mod issue_page;
mod issues;
mod items;
mod ldap;
mod lifecycle;
mod mails;
mod malice;
mod merging;
mod monitors;
mod moving;
mod pages;
mod permissions;
mod platform;
mod postgresql;
mod protocol;
mod quotas;
mod reading;
mod reports;
mod retention;
mod rules;
mod sdks;
mod search;
mod settings;
mod sign_in;
mod standalone;
mod statements;
mod stream;
mod system;
mod tags;
mod web_api;

use std::{
    process::ExitCode,
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread,
    time::Duration,
};

use anyhow::Result;
use libtest_mimic::{Arguments, Trial};
use platform::World;

/// A claim about the platform, and how it is shown.
struct Story {
    name: &'static str,
    run: fn(&World) -> Result<()>,
}

const TOPICS: &[&[Story]] = &[
    ingest::STORIES,
    protocol::STORIES,
    edge::STORIES,
    abuse::STORIES,
    items::STORIES,
    fates::STORIES,
    feedback::STORIES,
    files::STORIES,
    health::STORIES,
    monitors::STORIES,
    reports::STORIES,
    quotas::STORIES,
    settings::STORIES,
    pages::STORIES,
    stream::STORIES,
    issue_page::STORIES,
    malice::STORIES,
    permissions::STORIES,
    grouping::STORIES,
    lifecycle::STORIES,
    merging::STORIES,
    moving::STORIES,
    search::STORIES,
    issues::STORIES,
    reading::STORIES,
    alerts::STORIES,
    channels::STORIES,
    configured::STORIES,
    rules::STORIES,
    deliveries::STORIES,
    mails::STORIES,
    following::STORIES,
    browsers::STORIES,
    check::STORIES,
    crashes::STORIES,
    durability::STORIES,
    postgresql::STORIES,
    retention::STORIES,
    tags::STORIES,
    web_api::STORIES,
    commands::STORIES,
    sign_in::STORIES,
    standalone::STORIES,
    statements::STORIES,
    system::STORIES,
    sdks::STORIES,
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Two cores: more stories at once would only wait for each other.
    arguments.test_threads.get_or_insert(4);
    if arguments.list {
        return libtest_mimic::run(&arguments, trials(None)).exit_code();
    }
    match World::start() {
        Ok(world) => libtest_mimic::run(&arguments, trials(Some(&Arc::new(world)))).exit_code(),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The trials of all stories; without a world they can only be listed.
fn trials(world: Option<&Arc<World>>) -> Vec<Trial> {
    let trial = |story: &'static Story| {
        let world = world.cloned();
        Trial::test(story.name, move || {
            let world = world.ok_or("no world was started for this story")?;
            let _watch = Watch::over(story.name);
            (story.run)(&world).map_err(|error| format!("{error:#}").into())
        })
    };
    TOPICS.iter().chain(ldap::STORIES).copied().flatten().map(trial).collect()
}

/// Longer than any story takes, whatever else the machine does.
const STUCK: Duration = Duration::from_mins(10);

/// Ends the whole run, and names the story, where one is stuck: it must not look like a run that is only slow.
struct Watch {
    /// Its end tells the thread that the story has ended.
    _story: Sender<()>,
}

impl Watch {
    fn over(story: &'static str) -> Watch {
        let (sender, ended) = channel();
        thread::spawn(move || {
            if ended.recv_timeout(STUCK) == Err(RecvTimeoutError::Timeout) {
                eprintln!("{story} is stuck: it has not ended in {} minutes", STUCK.as_secs() / 60);
                harness::run::interrupt();
            }
        });
        Watch { _story: sender }
    }
}
