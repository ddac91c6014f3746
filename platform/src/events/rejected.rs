//! `picket events rejected` and `picket events replay`: events that were set aside, for a person to look at and try again.

use anyhow::{Context, Result, ensure};
use chrono::SecondsFormat;
use clap::Args;
use serde_json::json;
use sqlx::PgPool;

use super::{
    Received,
    store::{self, SetAside},
};
use crate::{
    app::{App, connect_options},
    config::Config,
    protocol::EventId,
    queue::Topic,
};

/// Events put into the queue at a time.
const AT_A_TIME: i64 = 100;

/// `picket events rejected`
#[derive(Args)]
pub struct ListRejected {
    /// Prints the body of this one, as it was sent.
    #[arg(value_name = "EVENT")]
    event: Option<EventId>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: i64,
    /// Prints a line of JSON for each.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: Config,
}

/// `picket events replay`
#[derive(Args)]
pub struct Replay {
    /// Only this one.
    #[arg(value_name = "EVENT", required_unless_present = "all", conflicts_with = "all")]
    event: Option<EventId>,
    /// All that are there.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    config: Config,
}

/// Prints what was set aside: a line each with time, project, event and reason, or the body of one.
pub async fn print_rejected(options: ListRejected) -> Result<()> {
    let db =
        PgPool::connect_with(connect_options(&options.config.postgres)?).await.context("connecting to PostgreSQL")?;
    let found =
        store::set_aside(&db, options.event, None, options.limit).await.context("reading what was set aside")?;
    if let Some(event) = options.event {
        let [event] = found.as_slice() else { anyhow::bail!("no event {event} was set aside") };
        println!("{}", String::from_utf8_lossy(&event.received.body));
        return Ok(());
    }
    for SetAside { received, reason } in found {
        let at = received.received_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        if options.json {
            let (project, id) = (received.project.0, received.id.to_string());
            println!("{}", json!({"received_at": at, "project": project, "id": id, "reason": reason}));
        } else {
            println!("{at}\t{}\t{}\t{reason}", received.project.0, received.id);
        }
    }
    Ok(())
}

/// Puts events into the queue again. One that is refused again is set aside again.
pub async fn replay(options: Replay) -> Result<()> {
    let app = App::new(options.config)?;
    let replayed = try_again(&app, options.event).await?;
    ensure!(replayed > 0 || options.all, "no such event was set aside");
    println!("{replayed} events are in the queue again");
    Ok(())
}

/// Puts an event into the queue again, or all that are there, and says how many they are.
pub async fn try_again(app: &App, event: Option<EventId>) -> Result<usize> {
    let mut replayed = 0;
    // Those that are refused again meanwhile come behind it.
    let mut last = None;
    loop {
        let found = store::set_aside(&app.db, event, last, AT_A_TIME).await.context("reading what was set aside")?;
        last = found.last().map(|event| (event.received.received_at, event.received.id));
        if last.is_none() {
            break;
        }
        let messages = found.iter().map(|event| event.received.encode()).collect();
        // First into the queue, then out of here: what happens twice is stored once.
        app.queue.push(Topic::Events, messages).await.context("putting events into the queue")?;
        let received: Vec<&Received> = found.iter().map(|event| &event.received).collect();
        store::forget_set_aside(&app.db, &received).await.context("forgetting what is in the queue")?;
        replayed += found.len();
    }
    Ok(replayed)
}
