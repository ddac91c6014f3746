//! `picket quotas list`, `set` and `remove`.

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};
use sqlx::PgPool;

use super::{Quota, Whose, category, organization, project, set, store};
use crate::{
    app::connect,
    audit::Actor,
    config::{Config, duration},
    organizations,
};

/// `picket quotas`
#[derive(Subcommand)]
pub enum Command {
    /// Lists quotas: number, whose, categories, most, window in seconds, reason.
    List(Box<Config>),
    /// Sets how much may be sent in a time, and prints the quota's number. One of the same owner, categories and window is
    /// replaced. Web knows within five seconds.
    Set(Box<Set>),
    /// Removes quotas by their numbers.
    Remove(Box<Remove>),
}

/// `picket quotas set`
#[derive(Args)]
pub struct Set {
    #[command(flatten)]
    owner: Owner,
    /// What is counted, by Sentry's words: `error`, `attachment`, `session` …; everything when missing.
    #[arg(long, value_name = "CATEGORY", value_delimiter = ',')]
    categories: Vec<String>,
    /// How many; bytes for attachments. 0 refuses everything.
    #[arg(long, value_name = "N")]
    most: i64,
    /// In which time: `60s`, `5m`, `1h`, `30d`.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    window: i64,
    /// What SDKs are told, as a word.
    #[arg(long, value_name = "WORD", default_value = "quota")]
    reason: String,
    #[command(flatten)]
    config: Config,
}

/// Whose quota it is.
#[derive(Args)]
struct Owner {
    /// Everybody's together.
    #[arg(long, conflicts_with_all = ["quota-organization", "quota-project", "quota-key"])]
    installation: bool,
    /// An organisation's, or that in which the project is.
    #[arg(id = "quota-organization", long = "organization", value_name = "SLUG")]
    organization: Option<String>,
    /// A project's.
    #[arg(id = "quota-project", long = "project", value_name = "SLUG", conflicts_with = "quota-key")]
    project: Option<String>,
    /// That of one key of a project: the public half of a DSN.
    #[arg(id = "quota-key", long = "key", value_name = "KEY", conflicts_with = "quota-organization")]
    key: Option<String>,
}

/// `picket quotas remove`
#[derive(Args)]
pub struct Remove {
    /// As `picket quotas list` shows them.
    #[arg(value_name = "NUMBER", required = true)]
    numbers: Vec<i64>,
    #[command(flatten)]
    config: Config,
}

/// Runs one of them.
pub async fn run(command: Command) -> Result<()> {
    match command {
        Command::List(config) => list(&connect(&config.postgres).await?).await,
        Command::Set(options) => set_one(*options).await,
        Command::Remove(options) => remove(*options).await,
    }
}

async fn list(db: &PgPool) -> Result<()> {
    for line in store::all(db).await.context("listing quotas")? {
        let parts = [line.organization, line.project, line.public_key];
        let whose = parts.into_iter().flatten().collect::<Vec<_>>().join("/");
        let whose = if whose.is_empty() { "installation" } else { &whose };
        let categories = if line.categories.is_empty() { "all".to_owned() } else { line.categories.join(",") };
        let (id, most, window, reason) = (line.id, line.most, line.window_seconds, line.reason);
        println!("{id}\t{whose}\t{categories}\t{most}\t{window}\t{reason}");
    }
    Ok(())
}

async fn set_one(options: Set) -> Result<()> {
    let categories = options.categories.iter().map(|name| category(name)).collect::<Result<Vec<_>>>()?;
    let window = i32::try_from(options.window).context("the window is too long")?;
    let db = connect(&options.config.postgres).await?;
    let whose = whose(&db, options.owner).await?;
    let quota = Quota { whose, categories, most: options.most, window, reason: options.reason };
    let id = set(&db, &Actor::system("picket quotas set"), quota).await?;
    println!("{id}");
    Ok(())
}

async fn whose(db: &PgPool, owner: Owner) -> Result<Whose> {
    match owner {
        Owner { installation: true, .. } => Ok(Whose::Installation),
        Owner { key: Some(key), .. } => {
            ensure!(store::has_key(db, &key).await.context("looking for the key")?, "there is no key {key:?}");
            Ok(Whose::Key(key))
        }
        Owner { project: Some(slug), organization, .. } => {
            let organization = organization.as_deref().unwrap_or(organizations::DEFAULT_SLUG);
            Ok(Whose::Project(project(db, organization, &slug).await?))
        }
        Owner { organization: Some(slug), .. } => Ok(Whose::Organization(organization(db, &slug).await?)),
        _ => bail!("say whose quota it is: --installation, --organization, --project or --key"),
    }
}

async fn remove(options: Remove) -> Result<()> {
    let db = connect(&options.config.postgres).await?;
    for number in options.numbers {
        let removed = super::remove(&db, &Actor::system("picket quotas remove"), None, number).await?;
        ensure!(removed, "there is no quota {number}: `picket quotas list` shows them");
    }
    Ok(())
}
