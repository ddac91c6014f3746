//! The command line: what people script against. Exit codes: 0 ok, 1 failed, 2 usage.

use std::{
    future::Future,
    io::{BufRead, IsTerminal},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};
use secrecy::SecretString;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    auth, check,
    config::{Config, secret},
    cron, events, organizations, projects, quotas, retention, standalone, upgrade, web, worker,
};

/// A self-hosted error tracker for every Sentry SDK.
#[derive(Parser)]
#[command(name = "picket", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs one of the platform's processes.
    Run {
        #[command(subcommand)]
        role: Role,
    },
    /// Runs everything in one process, with a PostgreSQL of its own: for one machine and for trying Picket out.
    Standalone(Box<standalone::Options>),
    /// Migrates the database; asks for the first superuser when there is none.
    Upgrade(Box<UpgradeOptions>),
    /// Creates a person who can sign in, or sets the password of one who is there.
    Createuser(Box<CreateUser>),
    /// Settings: a new secret key, or a check of everything the settings name.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Deletes what is older than a number of days; cron does the same every day.
    Cleanup(Box<retention::Options>),
    /// Events that could not be stored: look at them, and try again.
    Events {
        #[command(subcommand)]
        command: EventsCommand,
    },
    /// Projects and their DSNs.
    Projects {
        #[command(subcommand)]
        command: ProjectsCommand,
    },
    /// The keys of a project's DSNs.
    Keys {
        #[command(subcommand)]
        command: projects::KeysCommand,
    },
    /// How much may be sent, by whom.
    Quotas {
        #[command(subcommand)]
        command: quotas::Command,
    },
}

#[derive(Subcommand)]
enum Role {
    /// Ingest, pages and the Web API.
    Web(Box<Config>),
    /// Stores events and sends notifications.
    Worker(Box<Config>),
    /// What happens by the clock: partitions, retention.
    Cron(Box<Config>),
}

/// `picket upgrade`
#[derive(Args)]
pub struct UpgradeOptions {
    /// Asks nothing.
    #[arg(long)]
    pub noinput: bool,
    /// The first superuser, created when there is none.
    #[arg(long, env = "SENTRY_ADMIN_EMAIL")]
    pub admin_email: Option<String>,
    #[arg(long, env = "SENTRY_ADMIN_PASSWORD", hide_env_values = true, value_parser = secret())]
    pub admin_password: Option<SecretString>,
    #[command(flatten)]
    pub config: Config,
}

#[derive(Args)]
struct CreateUser {
    #[arg(long)]
    email: Option<String>,
    #[arg(long, conflicts_with = "password_stdin", value_parser = secret())]
    password: Option<SecretString>,
    /// Reads the password from standard input, so that it stands in no process list.
    #[arg(long)]
    password_stdin: bool,
    /// May do everything, everywhere.
    #[arg(long)]
    superuser: bool,
    /// Asks nothing.
    #[arg(long)]
    no_input: bool,
    #[command(flatten)]
    config: Config,
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Prints a new secret key.
    GenerateSecretKey,
    /// Tries every server the settings name, and says what is wrong and what to do.
    Check(Box<check::Options>),
}

#[derive(Subcommand)]
enum EventsCommand {
    /// Lists the events that were set aside, latest first, each with its reason.
    Rejected(Box<events::ListRejected>),
    /// Puts events that were set aside into the queue again.
    Replay(Box<events::Replay>),
}

#[derive(Subcommand)]
enum ProjectsCommand {
    /// Creates a project (and its organisation, when it is new) and prints the DSN.
    Create(Box<projects::Create>),
    /// Lists projects with their DSNs.
    List(Box<Config>),
    /// Shows the sites whose browsers may report to a project, or sets them.
    Origins(Box<projects::Origins>),
}

/// What is logged unless `SENTRY_LOG_LEVEL` says otherwise: PostgreSQL's notices are of no use to whoever runs us.
const QUIET: &str = "info,sqlx::postgres::notice=warn";

impl Cli {
    /// Runs the command to its end.
    pub fn run(self) -> ExitCode {
        // rustls wants to be told which of the compiled-in providers to use before the first connection.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        tracing_subscriber::fmt()
            .with_env_filter(
                tracing_subscriber::EnvFilter::try_from_env("SENTRY_LOG_LEVEL").unwrap_or_else(|_| QUIET.into()),
            )
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr)
            .init();
        let runtime = match tokio::runtime::Runtime::new().context("starting the async runtime") {
            Ok(runtime) => runtime,
            Err(error) => return failed(&error),
        };
        match runtime.block_on(self.command.run()) {
            Ok(code) => code,
            Err(error) => failed(&error),
        }
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("picket: {error:#}");
    ExitCode::FAILURE
}

impl Command {
    async fn run(self) -> Result<ExitCode> {
        match self {
            Command::Run { role: Role::Web(config) } => serve(*config, web::run).await?,
            Command::Run { role: Role::Worker(config) } => Box::pin(serve(*config, worker::run)).await?,
            Command::Run { role: Role::Cron(config) } => serve(*config, cron::run).await?,
            Command::Standalone(options) => standalone::run(*options, stop_on_signal()?).await?,
            Command::Upgrade(options) => upgrade::run(*options).await?,
            Command::Createuser(options) => create_user(*options).await?,
            Command::Config { command: ConfigCommand::GenerateSecretKey } => println!("{}", auth::new_secret_key()),
            Command::Config { command: ConfigCommand::Check(options) } => return Box::pin(check::run(*options)).await,
            Command::Cleanup(options) => retention::run(*options).await?,
            Command::Events { command: EventsCommand::Rejected(options) } => events::print_rejected(*options).await?,
            Command::Events { command: EventsCommand::Replay(options) } => events::replay(*options).await?,
            Command::Projects { command: ProjectsCommand::Create(options) } => {
                projects::create_and_print(*options).await?;
            }
            Command::Projects { command: ProjectsCommand::List(config) } => projects::print_list(*config).await?,
            Command::Projects { command: ProjectsCommand::Origins(options) } => projects::run_origins(*options).await?,
            Command::Keys { command } => projects::run_keys(command).await?,
            Command::Quotas { command } => quotas::run(command).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Runs a role beside its metrics server until a signal says stop or one of the two fails.
async fn serve<F: Future<Output = Result<()>>>(config: Config, role: fn(App, CancellationToken) -> F) -> Result<()> {
    let app = App::new(config)?;
    let stop = stop_on_signal()?;
    let metrics = crate::metrics::serve(app.clone(), stop.clone());
    tokio::try_join!(role(app, stop), metrics).map(|_| ())
}

/// A token that SIGTERM or Ctrl-C cancels.
fn stop_on_signal() -> Result<CancellationToken> {
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let token = stop.clone();
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => (), _ = interrupt.recv() => () }
        tracing::info!("stopping: what is under way is finished first");
        token.cancel();
    });
    Ok(stop)
}

async fn create_user(options: CreateUser) -> Result<()> {
    let may_ask = !options.no_input && std::io::stdin().is_terminal();
    let email = match options.email {
        Some(email) => email,
        None if may_ask => ask("Email: ")?,
        None => bail!("--email is missing"),
    };
    let password = match options.password {
        Some(password) => password,
        None if options.password_stdin || may_ask => {
            if may_ask && !options.password_stdin {
                eprint!("Password: ");
            }
            SecretString::from(line()?)
        }
        None => bail!("--password or --password-stdin is missing"),
    };
    let app = App::new(options.config)?;
    let role = if options.superuser { auth::Rank::Superuser } else { auth::Rank::Person };
    let user = auth::create_user(&app.db, &email, &password, role).await?;
    organizations::join_single(&app, user, role).await?;
    println!("{email} can sign in at {}", app.config.site.url("/auth/login/"));
    Ok(())
}

/// Asks a question on the terminal.
pub fn ask(question: &str) -> Result<String> {
    eprint!("{question}");
    line()
}

fn line() -> Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("reading standard input")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
