//! Mail: against a real server in each of its modes, with each setting that does not fit it, and against servers with moods.

use anyhow::{Context, Result, ensure};
use harness::{
    certificates::{Authority, Subject},
    far_end::smtp::{Mood, Moody},
    net::wait_for,
    smtp::{Security, Smtp},
};

use crate::{
    Story,
    platform::{LOOPBACK, Platform, SOON, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "mail_goes_out_in_the_clear_by_starttls_and_by_tls", run: every_mode },
    Story { name: "a_mail_setting_that_does_not_fit_the_server_is_said_of_the_alert", run: wrong_settings_are_said },
    Story {
        name: "a_mail_server_may_send_us_away_or_die_and_the_mail_comes_once_with_its_id",
        run: servers_with_moods,
    },
    Story { name: "mails_about_an_issue_are_one_thread_in_the_readers_language", run: threads_and_languages },
];

type Settings<'a> = &'a [(&'a str, &'a str)];

fn platform<'w>(world: &'w World, port: u16, settings: Settings<'_>) -> Result<Platform<'w>> {
    let port = port.to_string();
    let common = [
        ("SENTRY_EMAIL_HOST", "localhost"),
        ("SENTRY_EMAIL_PORT", port.as_str()),
        ("SENTRY_SERVER_EMAIL", "picket@example.com"),
    ];
    Platform::start_set(world, &[&common[..], settings].concat())
}

/// Servers that speak in the clear, by STARTTLS and by TLS, and who signed their certificates.
struct Servers {
    plain: Smtp,
    upgraded: Smtp,
    encrypted: Smtp,
    trusted: String,
}

impl Servers {
    fn start(world: &World) -> Result<Servers> {
        let authority = Authority::create(world.run.folder("certificates")?)?;
        let subject = Subject { name: "localhost", organization: None, hosts: &["localhost"] };
        let identity = authority.issue("smtp", subject)?;
        Ok(Servers {
            plain: Smtp::start(&world.run, LOOPBACK)?,
            upgraded: Smtp::start_with(&world.run, LOOPBACK, &Security::StartTls(identity.clone()))?,
            encrypted: Smtp::start_with(&world.run, LOOPBACK, &Security::Tls(identity))?,
            trusted: authority.certificate().display().to_string(),
        })
    }
}

fn every_mode(world: &World) -> Result<()> {
    let servers = Servers::start(world)?;
    let trust = ("SSL_CERT_FILE", servers.trusted.as_str());
    for (smtp, settings) in [
        (&servers.plain, &[trust][..]),
        (&servers.upgraded, &[trust, ("SENTRY_EMAIL_USE_TLS", "true")]),
        (&servers.encrypted, &[trust, ("SENTRY_EMAIL_USE_SSL", "true")]),
    ] {
        let platform = platform(world, smtp.port, settings)?;
        let shop = platform.project("shop")?;
        platform.receives(&shop, &error("Gone", "umbrella"))?;
        let mail = smtp.wait_for_mail(|mail| mail.subject.contains("Gone"), SOON)?;
        ensure!(mail.text.contains("SHOP-1") && mail.html.contains("SHOP-1"), "both parts: {}", mail.raw);
    }
    Ok(())
}

fn wrong_settings_are_said(world: &World) -> Result<()> {
    let servers = Servers::start(world)?;
    let trust = ("SSL_CERT_FILE", servers.trusted.as_str());
    let (tls, ssl) = (("SENTRY_EMAIL_USE_TLS", "true"), ("SENTRY_EMAIL_USE_SSL", "true"));
    let sign_in = [trust, ("SENTRY_EMAIL_USER", "picket"), ("SENTRY_EMAIL_PASSWORD", "wrong")];
    let wrong_password = [trust, tls, sign_in[1], sign_in[2]];
    for (port, settings, words) in [
        (servers.encrypted.port, &[trust][..], "speaks TLS from the first byte"),
        (servers.plain.port, &[trust, ssl], "unset SENTRY_EMAIL_USE_SSL"),
        (servers.plain.port, &[trust, tls], "unset SENTRY_EMAIL_USE_TLS"),
        (servers.encrypted.port, &[ssl], "SENTRY_EMAIL_CA"),
        (servers.upgraded.port, &[trust], "SENTRY_EMAIL_USE_TLS"),
        (servers.plain.port, &sign_in, "SENTRY_EMAIL_USER"),
        (servers.upgraded.port, &wrong_password, "SENTRY_EMAIL_PASSWORD"),
        (servers.encrypted.port, &[trust, ssl, ("SENTRY_EMAIL_HOST", "127.0.0.1")], "127.0.0.1"),
        (1, &[trust], "localhost:1"),
    ] {
        let platform = platform(world, port, settings)?;
        let shop = platform.project("shop")?;
        platform.receives(&shop, &error("Gone", "umbrella"))?;
        let said = "select said from deliveries where code = 'mail' limit 1";
        wait_for("the mail to fail", SOON, || platform.sql(said).is_ok_and(|said| !said.is_empty()))
            .with_context(|| format!("port {port} with {settings:?}, expecting {words:?}"))?;
        let said = platform.sql(said)?;
        ensure!(said.contains(words), "port {port} with {settings:?} says {said:?}, without {words:?}");
        ensure!(platform.sql("select state from deliveries")? == "0", "and it waits");
    }
    Ok(())
}

fn servers_with_moods(world: &World) -> Result<()> {
    let smtp = Moody::start(&[Mood::ComeAgain, Mood::Dies])?;
    let platform = platform(world, smtp.port, &[])?;
    let shop = platform.project("shop")?;
    platform.receives(&shop, &error("Gone", "umbrella"))?;
    platform.wait_for_sql("select state from deliveries", "1")?;
    let id = |mail: &String| mail.lines().find_map(|line| line.strip_prefix("Message-ID: ")).map(str::to_owned);
    let mails = smtp.mails();
    ensure!(smtp.tried() == 3 && mails.len() == 2, "sent away, died on, and taken: {}", smtp.tried());
    ensure!(
        id(&mails[0]).is_some() && id(&mails[0]) == id(&mails[1]),
        "readers see it once: {:?}",
        mails.iter().map(id).collect::<Vec<_>>()
    );

    let smtp = Moody::start(&[Mood::NoSuchPerson])?;
    let platform = self::platform(world, smtp.port, &[])?;
    let shop = platform.project("shop")?;
    platform.receives(&shop, &error("Gone", "umbrella"))?;
    platform.wait_for_sql("select state || ' ' || code from deliveries", "2 mail refused")?;
    let rule = platform.sql("select id from alert_rules")?;
    let history = platform.api(&format!("/projects/acme/shop/rules/{rule}/history/"))?;
    ensure!(
        history[0]["said"].as_str().is_some_and(|said| said.contains("no such person")),
        "the refusal is shown: {history:#}"
    );
    Ok(())
}

fn threads_and_languages(world: &World) -> Result<()> {
    let smtp = Smtp::start(&world.run, LOOPBACK)?;
    let platform = platform(world, smtp.port, &[])?;
    let shop = platform.project("shop")?;
    platform.sql("update users set language = 'zh-Hans', timezone = 'Asia/Shanghai'")?;
    platform.receives(&shop, &error("Gone", "umbrella"))?;
    let first = smtp.wait_for_mail(|mail| mail.subject.contains("Gone"), SOON)?;
    ensure!(
        first.text.starts_with("shop 新问题（error）") && first.text.contains("CST"),
        "in Chinese, by Shanghai's clock: {}",
        first.text
    );
    let issue = platform.only_issue(&shop)?;
    let path = format!("/issues/{}/", issue["id"].as_str().unwrap_or_default());
    platform.ask(reqwest::Method::PUT, &path, &serde_json::json!({"status": "resolved"}))?;
    platform.receives(&shop, &error("Gone", "umbrella"))?;
    let second = smtp.wait_for_mail(|mail| mail.text.contains("再次出现"), SOON)?;
    let header = |mail: &harness::smtp::Mail, name: &str| {
        let unfolded = mail.raw.replace("\r\n", "\n").replace("\n ", " ");
        unfolded.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned))
    };
    for name in ["References", "In-Reply-To", "List-Id", "Subject"] {
        ensure!(
            header(&first, name).is_some() && header(&first, name) == header(&second, name),
            "{name} holds the thread together"
        );
    }
    ensure!(header(&first, "Message-ID") != header(&second, "Message-ID"), "two mails are two");
    Ok(())
}
