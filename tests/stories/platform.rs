//! A platform of a story's own: database, Redis, SMTP server, web and worker, and the ways people and SDKs use them.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use harness::{
    net::{free_port, wait_for, wait_for_some},
    postgres::{self, Postgres},
    process::{Program, Supervised, output},
    programs,
    redis::{Durability, Redis},
    run::Run,
    smtp::Smtp,
};
use reqwest::{
    Method,
    blocking::{Client, Response},
    header,
};
use serde_json::{Value, json};

pub const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Long enough for a machine that does four stories at once.
pub const SOON: Duration = Duration::from_mins(1);
pub const ADMIN: &str = "ada@example.com";
pub const PASSWORD: &str = "correct horse battery staple";
/// A token of the superuser, in the shape of Sentry's.
pub const TOKEN: &str = "sntryu_00000000000000000000000000000000000000000000000000000000deadbeef";

/// What all stories share.
pub struct World {
    pub run: Run,
    pub postgres: Postgres,
    pub picket: PathBuf,
    stories: AtomicU32,
}

impl World {
    /// Starts PostgreSQL and builds the program, unless it is built.
    pub fn start() -> Result<World> {
        let picket = programs::under_test()?;
        let run = Run::start()?;
        let postgres = Postgres::start(&run, LOOPBACK)?;
        Ok(World { run, postgres, picket, stories: AtomicU32::new(0) })
    }

    /// The same with a PostgreSQL of its own, as durable as in production, for a story that stops it.
    pub fn with_own_postgres(&self) -> Result<World> {
        let postgres = Postgres::start_with(&self.run, LOOPBACK, postgres::Durability::Real)?;
        Ok(World { run: self.run.clone(), postgres, picket: self.picket.clone(), stories: AtomicU32::new(0) })
    }

    /// The name of a new, empty database.
    pub fn database(&self) -> Result<String> {
        let name = format!("story_{}", self.stories.fetch_add(1, Ordering::Relaxed));
        self.postgres.create_database(&name)?;
        Ok(name)
    }
}

/// A migrated platform with a superuser; web and worker are running.
pub struct Platform<'w> {
    pub world: &'w World,
    pub database: String,
    pub redis: Redis,
    pub smtp: Option<Smtp>,
    pub web: Supervised,
    pub worker: Supervised,
    pub url: String,
    pub client: Client,
    environment: Vec<(String, String)>,
}

/// A project that events are sent to.
pub struct Project {
    pub id: i64,
    pub slug: String,
    pub key: String,
    pub dsn: String,
}

impl<'w> Platform<'w> {
    /// Without mail.
    pub fn start(world: &'w World) -> Result<Platform<'w>> {
        Platform::start_with(world, None, &[])
    }

    /// Without mail, with some settings of its own.
    pub fn start_set(world: &'w World, settings: &[(&str, &str)]) -> Result<Platform<'w>> {
        Platform::start_with(world, None, settings)
    }

    /// With an SMTP server that takes its mail.
    pub fn start_with_mail(world: &'w World) -> Result<Platform<'w>> {
        Platform::start_with(world, Some(Smtp::start(&world.run, LOOPBACK)?), &[])
    }

    /// On a database that is there already.
    pub fn start_on(world: &'w World, database: String) -> Result<Platform<'w>> {
        Platform::start_everything(world, database, None, &[])
    }

    fn start_with(world: &'w World, smtp: Option<Smtp>, settings: &[(&str, &str)]) -> Result<Platform<'w>> {
        Platform::start_everything(world, world.database()?, smtp, settings)
    }

    fn start_everything(
        world: &'w World,
        database: String,
        smtp: Option<Smtp>,
        settings: &[(&str, &str)],
    ) -> Result<Platform<'w>> {
        let redis = Redis::start_with(&world.run, LOOPBACK, Durability::AppendOnly, Some("redis password"))?;
        let url = format!("http://127.0.0.1:{}", free_port()?);
        let files = world.run.folder("files")?;
        let mut environment = environment(world, &database, &redis, smtp.as_ref(), &url);
        environment.push(("SENTRY_FILESTORE_DIR".to_owned(), files.display().to_string()));
        environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let upgrade = ["upgrade", "--noinput", "--admin-email", ADMIN, "--admin-password", PASSWORD];
        output(world.run.place().command(&world.picket).args(upgrade).envs(environment.clone()))?;
        let token = format!(
            "insert into api_tokens (token_hash, user_id, name, created_at) select sha256('{TOKEN}'), id, 'story', now() from users where is_superuser"
        );
        world.postgres.sql(&database, &token)?;
        let web = role(world, "web", &environment)?;
        let worker = role(world, "worker", &environment)?;
        let client = Client::builder().timeout(SOON).cookie_store(true).build()?;
        let platform = Platform { world, database, redis, smtp, web, worker, url, client, environment };
        platform.wait_until_ready()?;
        Ok(platform)
    }

    /// Waits until web says it is ready.
    pub fn wait_until_ready(&self) -> Result<()> {
        let ready =
            || self.client.get(format!("{}/_ready/", self.url)).send().is_ok_and(|answer| answer.status() == 200);
        wait_for("web", SOON, ready).with_context(|| self.web.last_words())
    }

    /// Starts one more process of a role.
    pub fn one_more(&self, role_name: &str, settings: &[(&str, &str)]) -> Result<Supervised> {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        role(self.world, role_name, &self.environment.iter().cloned().chain(settings).collect::<Vec<_>>())
    }

    /// Runs a command of the program with this platform's settings and returns its standard output.
    pub fn picket(&self, arguments: &[&str]) -> Result<String> {
        output(&mut self.command(arguments))
    }

    /// A command of the program with this platform's settings.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.run.place().command(&self.world.picket);
        command.args(arguments).envs(self.environment.clone());
        command
    }

    /// Creates a project of the organisation `acme`.
    pub fn project(&self, slug: &str) -> Result<Project> {
        let line = self.picket(&["projects", "create", "--organization", "acme", "--name", slug, "--json"])?;
        let made: Value = serde_json::from_str(&line)?;
        let dsn = made["dsn"].as_str().context("no dsn was printed")?.to_owned();
        let key =
            dsn.split("://").nth(1).and_then(|rest| rest.split('@').next()).context("the dsn has no key")?.to_owned();
        let id = made["project_id"].as_str().and_then(|id| id.parse().ok()).or(made["project_id"].as_i64());
        Ok(Project { id: id.context("no project_id was printed")?, slug: slug.to_owned(), key, dsn })
    }

    /// Sends an envelope with one event, as an SDK does.
    pub fn send(&self, project: &Project, event: &Value) -> Result<Response> {
        Ok(self.envelope(project, event).send()?)
    }

    /// The request of an envelope with one event.
    pub fn envelope(&self, project: &Project, event: &Value) -> reqwest::blocking::RequestBuilder {
        let body = format!("{}\n{}\n{event}\n", json!({"event_id": event["event_id"]}), json!({"type": "event"}));
        self.client
            .post(format!("{}/api/{}/envelope/", self.url, project.id))
            .header(
                "X-Sentry-Auth",
                format!("Sentry sentry_version=7, sentry_client=story/1, sentry_key={}", project.key),
            )
            .body(body)
    }

    /// Sends an event that must be taken, and returns its id.
    pub fn receives(&self, project: &Project, event: &Value) -> Result<String> {
        let answer = self.send(project, event)?;
        ensure!(answer.status() == 200, "the event was answered {}: {}", answer.status(), answer.text()?);
        let answer: Value = answer.json()?;
        Ok(answer["id"].as_str().context("the answer has no id")?.to_owned())
    }

    /// A single value from the database, as text.
    pub fn sql(&self, query: &str) -> Result<String> {
        Ok(self.world.postgres.sql(&self.database, query)?.trim().to_owned())
    }

    /// Waits until a query answers a value.
    pub fn wait_for_sql(&self, query: &str, expected: &str) -> Result<()> {
        let mut last = String::new();
        let waited = wait_for(query, SOON, || {
            last = self.sql(query).unwrap_or_default();
            last == expected
        });
        waited.with_context(|| {
            format!("the answer was {last:?}, not {expected:?}; the worker: {}", self.worker.last_words())
        })
    }

    /// Waits until so many events are stored.
    pub fn stores(&self, events: usize) -> Result<()> {
        self.wait_for_sql("select count(*) from events", &events.to_string())
    }

    /// Waits until the workers are done with every event.
    pub fn empties_its_queue(&self) -> Result<()> {
        wait_for("an empty queue", SOON, || {
            self.redis.command(&["XLEN", "picket:events"]).is_ok_and(|length| length == "0")
        })
    }

    /// Reads from the Web API with the superuser's token.
    pub fn api(&self, path: &str) -> Result<Value> {
        let answer = self.client.get(format!("{}/api/0{path}", self.url)).bearer_auth(TOKEN).send()?;
        let status = answer.status();
        let text = answer.text()?;
        ensure!(status == 200, "GET {path} was answered {status}: {text}");
        serde_json::from_str(&text).with_context(|| format!("GET {path} was answered {text:?}"))
    }

    /// Asks something of the Web API with the superuser's token; an answer without a body is null.
    pub fn ask(&self, method: Method, path: &str, body: &Value) -> Result<(u16, Value)> {
        let request = self.client.request(method, format!("{}/api/0{path}", self.url)).bearer_auth(TOKEN);
        let answer = request.json(body).send()?;
        let status = answer.status().as_u16();
        let text = answer.text()?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    /// Signs the superuser in; the client keeps the cookie.
    pub fn sign_in(&self) -> Result<()> {
        let form = [("email", ADMIN), ("password", PASSWORD)];
        let answer = self.client.post(format!("{}/auth/login/", self.url)).form(&form).send()?;
        ensure!(
            answer.status() == 200 && !answer.url().path().starts_with("/auth/"),
            "signing in ended at {}",
            answer.url()
        );
        Ok(())
    }

    /// A page, as a browser gets it.
    pub fn page(&self, path: &str) -> Result<String> {
        let answer = self.client.get(format!("{}{path}", self.url)).send()?;
        ensure!(answer.status() == 200, "{path} was answered {}", answer.status());
        Ok(answer.text()?)
    }

    /// A page as whoever signed in sees it, whose browser asks for Chinese.
    pub fn page_in_chinese(&self, path: &str) -> Result<String> {
        let request = self.client.get(format!("{}{path}", self.url)).header(header::ACCEPT_LANGUAGE, "zh-CN");
        let answer = request.send()?;
        ensure!(answer.status() == 200, "{path} was answered {}", answer.status());
        Ok(answer.text()?)
    }

    /// Waits for the one issue of a project, as the API lists it.
    pub fn only_issue(&self, project: &Project) -> Result<Value> {
        let listed = || match self.api(&format!("/projects/acme/{}/issues/", project.slug)).ok()?.as_array()?.as_slice()
        {
            [issue] => Some(issue.clone()),
            _ => None,
        };
        wait_for_some("one issue", SOON, listed).with_context(|| self.worker.last_words())
    }
}

/// An error as a Python SDK sends it.
pub fn error(kind: &str, value: &str) -> Value {
    let frame = |function: &str, line: u32, in_app: bool| {
        json!({
            "filename": "shop/cart.py", "abs_path": "/srv/shop/cart.py", "module": "shop.cart", "function": function,
            "lineno": line, "in_app": in_app, "pre_context": ["def add(item):"], "context_line": "    raise Gone(item)",
            "post_context": [""], "vars": {"item": "'umbrella'"},
        })
    };
    json!({
        "event_id": uuid::Uuid::new_v4().simple().to_string(), "platform": "python", "level": "error",
        "release": "shop@1.2.3", "environment": "production", "server_name": "web-1", "tags": {"region": "eu"},
        "user": {"id": "42", "email": "grace@example.com"},
        "exception": {"values": [{"type": kind, "value": value,
            "stacktrace": {"frames": [frame("main", 1, false), frame("add", 12, true)]}}]},
    })
}

fn environment(world: &World, database: &str, redis: &Redis, smtp: Option<&Smtp>, url: &str) -> Vec<(String, String)> {
    let postgres = &world.postgres;
    let mut environment = vec![
        ("SENTRY_SECRET_KEY", "a secret key of a story, long enough to be one".to_owned()),
        ("SENTRY_URL_PREFIX", url.to_owned()),
        ("SENTRY_WEB_LISTEN", url.trim_start_matches("http://").to_owned()),
        ("SENTRY_METRICS_LISTEN", "127.0.0.1:0".to_owned()),
        ("SENTRY_POSTGRES_HOST", postgres.host.to_string()),
        ("SENTRY_POSTGRES_PORT", postgres.port.to_string()),
        ("SENTRY_DB_NAME", database.to_owned()),
        ("SENTRY_DB_USER", postgres.user.clone()),
        ("SENTRY_DB_PASSWORD", postgres.password.clone()),
        ("SENTRY_REDIS_HOST", redis.host.to_string()),
        ("SENTRY_REDIS_PORT", redis.port.to_string()),
        ("SENTRY_REDIS_PASSWORD", redis.password.clone().unwrap_or_default()),
        ("SENTRY_QUEUE_RECLAIM_SECONDS", "2".to_owned()),
    ];
    if let Some(smtp) = smtp {
        environment.push(("SENTRY_EMAIL_HOST", smtp.host.to_string()));
        environment.push(("SENTRY_EMAIL_PORT", smtp.port.to_string()));
        environment.push(("SENTRY_SERVER_EMAIL", "picket@example.com".to_owned()));
    }
    environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn role(world: &World, role: &str, environment: &[(String, String)]) -> Result<Supervised> {
    let program = Program::new(&world.picket).name(format!("picket-{role}")).args(["run", role]);
    environment.iter().fold(program, |program, (name, value)| program.env(name, value)).start(&world.run)
}
