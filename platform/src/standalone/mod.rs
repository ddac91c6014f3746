//! `picket standalone`: everything in one process on one machine, with nothing to install.
//!
//! A PostgreSQL of its own (`postgres`, from `binaries`) and the spool as queue live in one folder (`home`), beside the secrets
//! that the first start made (`state`). The first start also makes somebody to sign in and a project to report to (`seed`).
//! When told to stop, web drains first, then the workers finish what they had taken, then PostgreSQL stops. After a `kill -9`
//! the next start stops the PostgreSQL that was left behind and goes on with its data.

mod account;
mod binaries;
mod home;
mod postgres;
mod seed;
mod state;

use std::{
    io::Write,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::{Args, Parser};
use serde::Serialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    config::{self, Config, QueueKind, SslMode},
    cron, metrics,
    projects::{self, ProjectId},
    upgrade, web, worker,
};
use home::Home;
use postgres::Server;
use seed::Seeded;
use state::State;

/// How long web may take until it says that it is ready.
const READY_WITHIN: Duration = Duration::from_mins(1);
const ASK_EVERY: Duration = Duration::from_millis(20);

/// `picket standalone`
#[derive(Args, Debug)]
pub struct Options {
    /// Where everything is kept: database, queue, secrets. [default: ~/.local/share/picket, and /var/lib/picket for root]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Where people and SDKs connect; port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9000")]
    pub listen: SocketAddr,
    /// How people and SDKs reach it, where that is not the address it listens on. DSNs begin with it.
    #[arg(long, value_name = "URL", env = "SENTRY_URL_PREFIX")]
    pub url_prefix: Option<String>,
    /// Serves `/metrics` on this address; without it there are none.
    #[arg(long, value_name = "ADDRESS")]
    pub metrics_listen: Option<SocketAddr>,
    /// Prints one line of JSON when it is ready, and nothing else on standard output.
    #[arg(long)]
    pub json: bool,
    /// Where the data of programs is kept by default.
    #[arg(long, value_name = "DIR", env = "XDG_DATA_HOME", value_parser = config::path(), hide = true)]
    pub xdg_data_home: Option<PathBuf>,
    #[command(flatten)]
    pub mail: config::Mail,
}

/// Runs until told to stop.
pub async fn run(mut options: Options, stop: CancellationToken) -> Result<()> {
    let Defaults { config: defaults } = Defaults::try_parse_from(["picket"]).context("reading the settings")?;
    options.listen = free_address(options.listen)?;
    let home = Home::open(&options.folder()?)?;
    let mut state = State::open(&home)?;
    let mut server = tokio::select! {
        server = Server::start(&home, &state.database_password) => server?,
        () = stop.cancelled() => return Ok(()),
    };
    let config = options.config(defaults, &home, &state, &server.address);
    let ended = tokio::select! {
        ended = serve(&options, config, &home, &mut state, &stop) => ended,
        error = server.died() => Err(error),
    };
    let stopped = server.stop().await;
    ended.and(stopped)
}

/// Migrates and seeds the database, then runs the roles on it until told to stop.
async fn serve(
    options: &Options,
    config: Config,
    home: &Home,
    state: &mut State,
    stop: &CancellationToken,
) -> Result<()> {
    let app = App::new(config)?;
    upgrade::migrate(&app.db).await?;
    let seeded = seed::seed(&app, home, state).await?;
    let ready = Ready::new(&app.config.site.url_prefix, state, seeded);
    let worked = run_roles(options, &app, ready, stop).await;
    app.db.close().await;
    worked
}

async fn run_roles(options: &Options, app: &App, ready: Ready, stop: &CancellationToken) -> Result<()> {
    let drained = CancellationToken::new();
    let mut roles = JoinSet::new();
    roles.spawn({
        let (app, stop, drained) = (app.clone(), stop.clone(), drained.clone());
        async move {
            let ended = web::run(app, stop).await;
            drained.cancel();
            ended
        }
    });
    roles.spawn(worker::run(app.clone(), drained.clone()));
    roles.spawn(cron::run(app.clone(), drained.clone()));
    if options.metrics_listen.is_some() {
        roles.spawn(metrics::serve(app.clone(), drained.clone()));
    }
    roles.spawn({
        let (listen, form, drained) = (options.listen, options.form(), drained.clone());
        async move {
            tokio::select! {
                answered = answers_ready(listen) => answered.and_then(|()| ready.print(form)),
                () = drained.cancelled() => Ok(()),
            }
        }
    });
    while let Some(ended) = roles.join_next().await {
        ended.context("running web, worker and cron")??;
    }
    Ok(())
}

impl Options {
    fn folder(&self) -> Result<PathBuf> {
        match (&self.data_dir, &self.xdg_data_home) {
            (Some(folder), _) => Ok(folder.clone()),
            (None, Some(data)) if data.is_absolute() => Ok(data.join("picket")),
            // Root's home is closed to the user that PostgreSQL has to run as.
            _ if nix::unistd::geteuid().is_root() => Ok(PathBuf::from("/var/lib/picket")),
            _ => {
                let home = std::env::home_dir().context("there is no home directory: say where with --data-dir")?;
                Ok(home.join(".local/share/picket"))
            }
        }
    }

    fn form(&self) -> Form {
        if self.json { Form::Json } else { Form::Text }
    }

    /// The platform's settings: the given ones, on our own database and queue.
    fn config(&self, defaults: Config, home: &Home, state: &State, database: &postgres::Address) -> Config {
        let url_prefix = self.url_prefix.clone().unwrap_or_else(|| url_of(self.listen));
        Config {
            site: config::Site {
                secret_key: Some(state.secret_key.as_str().into()),
                secret_key_file: None,
                url_prefix,
                ..defaults.site
            },
            postgres: config::Postgres {
                host: database.host.clone(),
                port: database.port,
                name: postgres::DATABASE.to_owned(),
                user: postgres::USER.to_owned(),
                password: Some(state.database_password.as_str().into()),
                password_file: None,
                sslmode: SslMode::Disable,
                sslrootcert: None,
                sslcert: None,
                sslkey: None,
                ..defaults.postgres
            },
            queue: config::Queue { kind: QueueKind::Spool, filestore_dir: home.spool(), ..defaults.queue },
            mail: self.mail.clone(),
            web: config::Web {
                listen: self.listen,
                metrics_listen: self.metrics_listen.unwrap_or(defaults.web.metrics_listen),
                ..defaults.web
            },
            ..defaults
        }
    }
}

#[derive(Parser)]
struct Defaults {
    #[command(flatten)]
    config: Config,
}

/// The address with its port, once nobody else has it.
fn free_address(address: SocketAddr) -> Result<SocketAddr> {
    match TcpListener::bind(address) {
        Ok(listener) => listener.local_addr().context("asking for the address"),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            bail!("{address} is taken by another program: choose another with --listen (port 0 picks a free one)")
        }
        Err(error) => Err(error).with_context(|| format!("listening on {address}")),
    }
}

fn url_of(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://localhost:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

/// Returns when `/_ready/` answers 200.
async fn answers_ready(listen: SocketAddr) -> Result<()> {
    let address = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, listen.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, listen.port()).into(),
        _ => listen,
    };
    let asking = async {
        let mut tick = tokio::time::interval(ASK_EVERY);
        loop {
            tick.tick().await;
            if ask(address).await.is_ok_and(|answer| answer.starts_with(b"HTTP/1.1 200")) {
                return;
            }
        }
    };
    let waited = tokio::time::timeout(READY_WITHIN, asking).await;
    waited.with_context(|| format!("{address} was not ready within {} s", READY_WITHIN.as_secs()))
}

async fn ask(address: SocketAddr) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /_ready/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

/// How to say that we are ready.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Json,
}

/// Everything somebody needs to begin.
#[derive(Serialize)]
struct Ready {
    url: String,
    dsn: String,
    email: String,
    password: String,
    token: String,
    org: String,
    project: String,
    project_id: i64,
}

impl Ready {
    fn new(url_prefix: &str, state: &State, seeded: Seeded) -> Ready {
        let url = url_prefix.trim_end_matches('/').to_owned();
        Ready {
            dsn: projects::dsn(&url, &seeded.public_key, ProjectId(seeded.project_id)),
            url,
            email: state.email.clone(),
            password: state.password.clone(),
            token: seeded.token,
            org: seeded.organization,
            project: seeded.project,
            project_id: seeded.project_id,
        }
    }

    fn print(&self, form: Form) -> Result<()> {
        let text = match form {
            Form::Json => serde_json::to_string(self).context("writing the answer")?,
            Form::Text => self.text(),
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).context("writing to standard output")
    }

    fn text(&self) -> String {
        let Ready { url, dsn, email, password, token, project, .. } = self;
        format!(
            "Picket is ready at {url}/\n  sign in   {email}  {password}\n  DSN       {dsn}  (project {project})\n  \
             API token {token}\nThe password is that of the first start. Ctrl-C stops Picket; the data stays."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> Ready {
        let state = State { email: "admin@localhost".to_owned(), password: "secret".to_owned(), ..State::new() };
        let seeded = Seeded {
            token: "token".to_owned(),
            organization: "sentry".to_owned(),
            project: "demo".to_owned(),
            project_id: 1,
            public_key: "key".to_owned(),
        };
        Ready::new("http://127.0.0.1:9000/", &state, seeded)
    }

    #[test]
    fn json_is_one_line_with_everything_to_begin_with() {
        assert_eq!(
            serde_json::to_string(&ready()).unwrap(),
            concat!(
                r#"{"url":"http://127.0.0.1:9000","dsn":"http://key@127.0.0.1:9000/1","email":"admin@localhost","#,
                r#""password":"secret","token":"token","org":"sentry","project":"demo","project_id":1}"#
            )
        );
    }

    #[test]
    fn text_says_where_and_how_to_begin() {
        let text = ready().text();
        for word in ["http://127.0.0.1:9000/", "admin@localhost  secret", "http://key@127.0.0.1:9000/1", "token"] {
            assert!(text.contains(word), "{text}");
        }
    }

    #[test]
    fn a_taken_port_is_said_in_words() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let error = free_address(taken.local_addr().unwrap()).unwrap_err().to_string();
        assert!(error.contains("--listen"), "{error}");
    }

    #[test]
    fn a_url_names_a_host_that_a_browser_can_reach() {
        assert_eq!(url_of("0.0.0.0:9000".parse().unwrap()), "http://localhost:9000");
        assert_eq!(url_of("127.0.0.1:80".parse().unwrap()), "http://127.0.0.1:80");
        assert_eq!(url_of("[::1]:9000".parse().unwrap()), "http://[::1]:9000");
    }
}
