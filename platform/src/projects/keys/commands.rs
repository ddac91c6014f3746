//! `picket keys list`, `create`, `rotate`, `disable`, `enable` and `picket projects origins`: what a project lets report to it.

use anyhow::{Context, Result, ensure};
use chrono::TimeDelta;
use clap::{Args, Subcommand};
use serde_json::json;
use sqlx::PgPool;

use super::{
    super::{Project, dsn, find, note, store},
    Standing, Wanted,
};
use crate::{
    app::{self, connect},
    audit::Actor,
    config::{Config, duration},
    organizations,
    protocol::{auth::Dsn, origin},
};

/// `picket keys`
#[derive(Subcommand)]
pub enum KeysCommand {
    /// Lists a project's keys: DSN, whether it works, until when, label.
    List(Box<OfProject>),
    /// Adds a key and prints its DSN.
    Create(Box<New>),
    /// Adds a key and prints its DSN; those there are now work on for a while, so that applications can change theirs.
    Rotate(Box<Rotate>),
    /// Refuses what is sent with a key, within five seconds.
    Disable(Box<One>),
    /// Takes what is sent with a key again.
    Enable(Box<One>),
}

/// The project a command is about.
#[derive(Args)]
pub struct OfProject {
    /// The organisation's slug.
    #[arg(id = "of-organization", long = "organization", value_name = "SLUG", default_value = organizations::DEFAULT_SLUG)]
    organization: String,
    /// The project's slug.
    #[arg(id = "of-project", long = "project", value_name = "SLUG")]
    project: String,
    #[command(flatten)]
    config: Config,
}

/// `picket keys create`
#[derive(Args)]
pub struct New {
    /// What it is for.
    #[arg(long, default_value = "Default")]
    label: String,
    #[command(flatten)]
    of: OfProject,
}

/// `picket keys rotate`
#[derive(Args)]
pub struct Rotate {
    /// How long the keys there are now go on working: `0s`, `12h`, `7d`.
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = duration)]
    overlap: i64,
    #[command(flatten)]
    of: OfProject,
}

/// `picket keys disable` and `enable`
#[derive(Args)]
pub struct One {
    /// The public half of a DSN, or a DSN.
    #[arg(value_name = "KEY")]
    key: String,
    #[command(flatten)]
    config: Config,
}

/// `picket projects origins`
#[derive(Args)]
pub struct Origins {
    /// The sites that may send from now on: `*`, `shop.example`, `*.shop.example`, `https://shop.example:8443`.
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',', conflicts_with = "none")]
    set: Option<Vec<String>>,
    /// No site may send, only servers and applications.
    #[arg(long)]
    none: bool,
    #[command(flatten)]
    of: OfProject,
}

/// Runs one of them.
pub async fn run_keys(command: KeysCommand) -> Result<()> {
    match command {
        KeysCommand::List(of) => list(*of).await,
        KeysCommand::Create(new) => add(&new.of, &new.label).await,
        KeysCommand::Rotate(options) => rotate(*options).await,
        KeysCommand::Disable(one) => switch(*one, Wanted::Disabled).await,
        KeysCommand::Enable(one) => switch(*one, Wanted::Enabled).await,
    }
}

impl OfProject {
    async fn open(&self) -> Result<(PgPool, Project)> {
        let db = connect(&self.config.postgres).await?;
        let project = find(&db, &self.organization, &self.project).await?;
        Ok((db, project))
    }

    fn print(&self, project: &Project, key: &str) {
        println!("{}", dsn(&self.config.site.url_prefix, key, project.id));
    }
}

async fn list(of: OfProject) -> Result<()> {
    let (db, project) = of.open().await?;
    let now = app::now();
    for key in super::of(&db, project.id).await? {
        let state = match key.standing(now) {
            Standing::Disabled => "disabled".to_owned(),
            Standing::Ended(end) => format!("ended {}", end.format("%F %R UTC")),
            Standing::WorksUntil(end) => format!("works until {}", end.format("%F %R UTC")),
            Standing::Works => "works".to_owned(),
        };
        println!("{}\t{state}\t{}", dsn(&of.config.site.url_prefix, &key.public_key, project.id), key.label);
    }
    Ok(())
}

async fn add(of: &OfProject, label: &str) -> Result<()> {
    let (db, project) = of.open().await?;
    let key = super::add(&db, &actor("create"), &project, label).await?;
    of.print(&project, &key);
    Ok(())
}

async fn rotate(Rotate { overlap, of }: Rotate) -> Result<()> {
    let (db, project) = of.open().await?;
    let end = app::now() + TimeDelta::try_seconds(overlap).context("the overlap is too long")?;
    let key = super::rotate(&db, &actor("rotate"), &project, end).await?;
    of.print(&project, &key);
    Ok(())
}

async fn switch(One { key, config }: One, wanted: Wanted) -> Result<()> {
    let db = connect(&config.postgres).await?;
    let public = Dsn::parse(&key).map_or(key, |dsn| dsn.public_key);
    let actor = actor(if wanted == Wanted::Enabled { "enable" } else { "disable" });
    let known = super::switch(&db, &actor, None, (&public, wanted)).await?;
    ensure!(known, "there is no key {public:?}: `picket keys list` shows those of a project");
    Ok(())
}

/// Whoever may run commands, for the audit log.
fn actor(command: &str) -> Actor {
    Actor::system(&format!("picket keys {command}"))
}

/// Shows or sets the sites that may send.
pub async fn run_origins(options: Origins) -> Result<()> {
    let (db, project) = options.of.open().await?;
    let wanted = if options.none { Some(Vec::new()) } else { options.set };
    if let Some(origins) = &wanted {
        let wrong = origins.iter().find(|origin| !origin::is_pattern(origin));
        ensure!(
            wrong.is_none(),
            "{:?} is no origin: *, shop.example, *.shop.example, https://shop.example:8443 and *:8443 are",
            wrong.map_or("", String::as_str)
        );
        store::set_origins(&db, project.id, origins).await.context("setting the origins")?;
        let data = json!({"allowedDomains": origins});
        note(&db, &Actor::system("picket projects origins"), &project, ("project.edit", &project.slug, data)).await?;
    }
    for origin in store::origins(&db, project.id).await.context("reading the origins")? {
        println!("{origin}");
    }
    Ok(())
}
