//! `picket config check` against real servers: the layer that failed, by the word that the operator publishes.

use std::{
    net::{IpAddr, Ipv4Addr},
    process::Output,
};

use anyhow::{Context, Result, ensure};
use harness::{
    certificates::{Authority, Subject},
    net::free_port,
    redis::{Durability, Redis},
    s3::S3,
    smtp::{Security, Smtp},
};
use serde_json::Value;

use crate::{Story, platform::World};

pub const STORIES: &[Story] = &[
    Story { name: "check_says_that_everything_is_well", run: everything_is_well },
    Story { name: "check_names_what_is_wrong_with_postgresql", run: what_is_wrong_with_postgresql },
    Story { name: "check_names_what_is_wrong_with_redis", run: what_is_wrong_with_redis },
    Story { name: "check_names_what_is_wrong_with_mail", run: what_is_wrong_with_mail },
    Story { name: "check_names_what_is_wrong_with_the_bucket", run: what_is_wrong_with_the_bucket },
    Story { name: "check_prints_one_short_line_of_json_without_secrets", run: one_short_line_without_secrets },
];

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PASSWORD: &str = "hunter2hunter2";

type Variables<'a> = &'a [(&'a str, &'a str)];

/// Servers that the settings below name, and those settings.
struct Servers<'w> {
    world: &'w World,
    redis: Redis,
    settings: Vec<(&'static str, String)>,
}

impl<'w> Servers<'w> {
    fn start(world: &'w World) -> Result<Servers<'w>> {
        let redis = Redis::start_with(&world.run, LOOPBACK, Durability::AppendOnly, Some(PASSWORD))?;
        let settings = vec![
            ("SENTRY_POSTGRES_HOST", world.postgres.host.to_string()),
            ("SENTRY_POSTGRES_PORT", world.postgres.port.to_string()),
            ("SENTRY_DB_NAME", world.database()?),
            ("SENTRY_DB_USER", world.postgres.user.clone()),
            ("SENTRY_DB_PASSWORD", world.postgres.password.clone()),
            ("SENTRY_REDIS_HOST", redis.host.to_string()),
            ("SENTRY_REDIS_PORT", redis.port.to_string()),
            ("SENTRY_REDIS_PASSWORD", PASSWORD.to_owned()),
            ("SENTRY_FILESTORE_DIR", world.run.folder("files")?.display().to_string()),
        ];
        Ok(Servers { world, redis, settings })
    }

    fn check(&self, arguments: &[&str], changes: Variables) -> Result<Output> {
        let mut command = self.world.run.place().command(&self.world.picket);
        command.args(["config", "check"]).args(arguments).envs(self.settings.iter().cloned());
        command.envs(changes.iter().copied()).output().context("running the check")
    }

    /// The reason that is given for one of the checks.
    fn reason(&self, name: &str, changes: Variables) -> Result<String> {
        let output = self.check(&["--json"], changes)?;
        let report: Value = serde_json::from_slice(&output.stdout)?;
        let checks = report["checks"].as_array().context("the report has checks")?;
        let check = checks.iter().find(|check| check["name"] == name).with_context(|| format!("{name} is missing"))?;
        Ok(check["reason"].as_str().unwrap_or_default().to_owned())
    }

    /// Holds each change of the settings against the reason it must give.
    fn give(&self, name: &str, table: &[(Variables, &str)]) -> Result<()> {
        for (changes, expected) in table {
            let reason = self.reason(name, changes)?;
            ensure!(reason == *expected, "{changes:?} gives {reason} and not {expected}");
        }
        Ok(())
    }
}

fn everything_is_well(world: &World) -> Result<()> {
    let servers = Servers::start(world)?;
    let smtp = Smtp::start(&world.run, LOOPBACK)?;
    let port = smtp.port.to_string();
    let files = world.run.folder("files")?.display().to_string();
    let settings = [
        ("SENTRY_EMAIL_HOST", "127.0.0.1"),
        ("SENTRY_EMAIL_PORT", port.as_str()),
        ("SENTRY_FILESTORE_DIR", files.as_str()),
    ];
    let output = servers.check(&[], &settings)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{text}");
    ensure!(text.contains("nothing waits"), "{text}");
    for (line, start) in text.lines().zip([
        "postgresql  ok",
        "redis       ok",
        "spool       ok",
        "filestore   ok",
        "mail        ok",
        "ldap        skipped",
    ]) {
        ensure!(line.starts_with(start), "{start} was expected, not {line}");
    }
    Ok(())
}

fn what_is_wrong_with_postgresql(world: &World) -> Result<()> {
    let servers = Servers::start(world)?;
    let (closed, guarded, read_only) = (world.database()?, world.database()?, world.database()?);
    world.postgres.sql("postgres", "create user checked password 'checked'")?;
    world.postgres.sql("postgres", &format!("revoke connect on database {closed} from public"))?;
    world.postgres.sql(&guarded, "revoke create on schema public from public")?;
    world.postgres.sql("postgres", &format!("alter database {read_only} set default_transaction_read_only = on"))?;
    let (user, password) = (("SENTRY_DB_USER", "checked"), ("SENTRY_DB_PASSWORD", "checked"));
    let (nowhere, redis) = (free_port()?.to_string(), servers.redis.port.to_string());
    servers.give(
        "postgresql",
        &[
            (&[], "Connected"),
            (&[("SENTRY_POSTGRES_HOST", "db.invalid")], "DnsLookupFailed"),
            (&[("SENTRY_POSTGRES_PORT", nowhere.as_str())], "ConnectionRefused"),
            (&[("SENTRY_POSTGRES_PORT", redis.as_str())], "ConnectTimeout"),
            (&[("SENTRY_POSTGRES_SSLMODE", "require")], "TlsNotOffered"),
            (&[("SENTRY_DB_PASSWORD", "wrong")], "AuthenticationFailed"),
            (&[("SENTRY_DB_USER", "nobody")], "AuthenticationFailed"),
            (&[("SENTRY_DB_NAME", "nowhere")], "DatabaseDoesNotExist"),
            (&[user, password, ("SENTRY_DB_NAME", closed.as_str())], "PrivilegeMissing"),
            (&[user, password, ("SENTRY_DB_NAME", guarded.as_str())], "PrivilegeMissing"),
            (&[("SENTRY_DB_NAME", read_only.as_str())], "ReadOnlyReplica"),
        ],
    )
}

fn what_is_wrong_with_redis(world: &World) -> Result<()> {
    let servers = Servers::start(world)?;
    let open = Redis::start(&world.run, LOOPBACK)?;
    let (open_port, nowhere) = (open.port.to_string(), free_port()?.to_string());
    servers.give(
        "redis",
        &[
            (&[], "Connected"),
            (&[("SENTRY_REDIS_HOST", "redis.invalid")], "DnsLookupFailed"),
            (&[("SENTRY_REDIS_PORT", nowhere.as_str())], "ConnectionRefused"),
            (&[("SENTRY_REDIS_PASSWORD", "wrong")], "WrongPass"),
            (&[("SENTRY_REDIS_PASSWORD", "")], "AuthRequired"),
            (&[("SENTRY_REDIS_PORT", open_port.as_str())], "NoAuthConfigured"),
            (&[("SENTRY_REDIS_TLS", "true")], "TlsNotOffered"),
            (&[("SENTRY_REDIS_DB", "99")], "DatabaseDoesNotExist"),
            (&[("SENTRY_QUEUE", "spool")], "NotUsed"),
        ],
    )?;
    let at_open = [("SENTRY_REDIS_PORT", open_port.as_str()), ("SENTRY_REDIS_PASSWORD", "")];
    open.command(&["config", "set", "maxmemory-policy", "allkeys-lru"])?;
    open.command(&["config", "set", "maxmemory", "100mb"])?;
    servers.give("redis", &[(&at_open, "EvictionPolicyUnsafe")])?;
    open.command(&["config", "set", "maxmemory-policy", "noeviction"])?;
    servers.give("redis", &[(&at_open, "Connected")])?;
    open.command(&["config", "set", "maxmemory", "1"])?;
    servers.give("redis", &[(&at_open, "OutOfMemory")])?;
    open.command(&["config", "set", "maxmemory", "0"])?;
    open.command(&["replicaof", "127.0.0.1", &servers.redis.port.to_string()])?;
    servers.give("redis", &[(&at_open, "ReplicaReadOnly")])
}

fn what_is_wrong_with_mail(world: &World) -> Result<()> {
    let servers = Servers::start(world)?;
    let authority = Authority::create(world.run.folder("check-mail")?)?;
    let identity = authority.issue("mail", Subject { name: "localhost", organization: None, hosts: &["localhost"] })?;
    let plain = Smtp::start(&world.run, LOOPBACK)?;
    let upgraded = Smtp::start_with(&world.run, LOOPBACK, &Security::StartTls(identity.clone()))?;
    let encrypted = Smtp::start_with(&world.run, LOOPBACK, &Security::Tls(identity))?;
    let ports = [plain.port, upgraded.port, encrypted.port, free_port()?].map(|port| port.to_string());
    let [plain, upgraded, encrypted, nowhere] = ports.each_ref().map(String::as_str);
    let trusted = authority.certificate().display().to_string();
    // What the TLS library reads the machine's trusted certificates from.
    let trust = ("SSL_CERT_FILE", trusted.as_str());
    let pem = std::fs::read_to_string(authority.certificate())?;
    let ca = ("SENTRY_EMAIL_CA", pem.as_str());
    let stranger = Authority::create(world.run.folder("check-mail-stranger")?)?.certificate().display().to_string();
    let other = ("SENTRY_EMAIL_CA", stranger.as_str());
    let (host, address) = (("SENTRY_EMAIL_HOST", "localhost"), ("SENTRY_EMAIL_HOST", "127.0.0.1"));
    let at = |port| ("SENTRY_EMAIL_PORT", port);
    let (starttls, tls) = (("SENTRY_EMAIL_USE_TLS", "1"), ("SENTRY_EMAIL_USE_SSL", "1"));
    servers.give(
        "mail",
        &[
            (&[], "NotConfigured"),
            (&[("SENTRY_EMAIL_HOST", "mail.invalid")], "DnsLookupFailed"),
            (&[host, at(nowhere)], "ConnectionRefused"),
            (&[host, at(plain)], "Connected"),
            (&[host, at(plain), starttls], "StartTlsNotOffered"),
            (&[host, at(plain), tls], "PlainExpected"),
            (&[host, at(plain), ("SENTRY_EMAIL_USER", "picket")], "AuthRejected"),
            (&[host, at(upgraded)], "TlsRequiredByServer"),
            (&[host, at(upgraded), starttls], "TlsUntrustedCA"),
            (&[host, at(upgraded), starttls, trust], "Connected"),
            (&[address, at(upgraded), starttls, trust], "TlsHostnameMismatch"),
            (&[host, at(encrypted)], "TlsExpected"),
            (&[host, at(encrypted), tls, trust], "Connected"),
            (&[host, at(encrypted), tls, ca], "Connected"),
            (&[host, at(encrypted), tls, other], "TlsUntrustedCA"),
        ],
    )
}

fn what_is_wrong_with_the_bucket(world: &World) -> Result<()> {
    let servers = Servers::start(world)?;
    let s3 = S3::start(&world.run, LOOPBACK)?;
    s3.bucket("files")?;
    let nowhere = format!("http://127.0.0.1:{}", free_port()?);
    let bucket = ("SENTRY_FILESTORE_S3_BUCKET", "files");
    let endpoint = ("SENTRY_FILESTORE_S3_ENDPOINT", s3.url.as_str());
    let access = ("SENTRY_FILESTORE_S3_ACCESS_KEY", s3.access_key);
    let secret = ("SENTRY_FILESTORE_S3_SECRET_KEY", s3.secret_key);
    servers.give(
        "filestore",
        &[
            (&[bucket, endpoint, access, secret], "Writable"),
            (&[bucket, ("SENTRY_FILESTORE_S3_ENDPOINT", nowhere.as_str()), access, secret], "ConnectionRefused"),
            (&[bucket, ("SENTRY_FILESTORE_S3_ENDPOINT", "http://s3.invalid:9000"), access, secret], "DnsLookupFailed"),
            (&[bucket, ("SENTRY_FILESTORE_S3_ENDPOINT", "nonsense"), access, secret], "SettingsInvalid"),
            (&[bucket, endpoint, ("SENTRY_FILESTORE_S3_ACCESS_KEY", "nobody"), secret], "AuthenticationFailed"),
            (&[bucket, endpoint, access, ("SENTRY_FILESTORE_S3_SECRET_KEY", "wrong")], "AuthenticationFailed"),
            (&[("SENTRY_FILESTORE_S3_BUCKET", "nowhere"), endpoint, access, secret], "BucketDoesNotExist"),
        ],
    )
}

fn one_short_line_without_secrets(world: &World) -> Result<()> {
    let servers = Servers::start(world)?;
    let nowhere = free_port()?.to_string();
    let changes = [
        ("SENTRY_DB_PASSWORD", PASSWORD),
        ("SENTRY_REDIS_PORT", nowhere.as_str()),
        ("SENTRY_EMAIL_HOST", "127.0.0.1"),
        ("SENTRY_EMAIL_PORT", nowhere.as_str()),
        ("SENTRY_EMAIL_USER", "picket"),
        ("SENTRY_EMAIL_PASSWORD", PASSWORD),
    ];
    let output = servers.check(&["--json"], &changes)?;
    let line = String::from_utf8(output.stdout)?;
    ensure!(output.status.code() == Some(1), "something failed, so the exit code is 1: {}", output.status);
    ensure!(line.len() < 2000 && line.ends_with('\n') && line.matches('\n').count() == 1, "{line}");
    ensure!(!line.contains(PASSWORD), "{line}");
    let report: Value = serde_json::from_str(&line)?;
    let names: Vec<_> = report["checks"].as_array().into_iter().flatten().map(|check| &check["name"]).collect();
    let all = ["postgresql", "redis", "spool", "filestore", "mail", "ldap", "channels", "dingtalk"];
    ensure!(names == all, "{names:?}");
    Ok(())
}
