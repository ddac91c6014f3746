//! Channels of the installation's configuration: who has them, who may change them, and what a check says of them.

use anyhow::{Context, Result, ensure};
use harness::{
    far_end::{FarEnd, Place},
    net::wait_for,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Story,
    platform::{Platform, SOON, World},
};

pub const STORIES: &[Story] = &[
    Story {
        name: "a_channel_of_the_configuration_is_there_for_everybody_and_for_nobody_to_change",
        run: there_for_all,
    },
    Story { name: "check_names_what_is_wrong_with_a_robot_of_dingtalk", run: what_is_wrong_with_a_robot },
];

fn robot(far_end: &FarEnd, token: &str, secret: &str, keywords: &[&str]) -> Value {
    let config = json!({"access_token": token, "secret": secret, "keywords": keywords, "server": far_end.url("")});
    json!({"kind": "dingtalk", "name": "oncall", "config": config})
}

/// The channels that a project may use: their names, and whether they come from the configuration.
fn usable(platform: &Platform) -> Result<Vec<(String, bool)>> {
    let channels = platform.api("/projects/acme/shop/channels/")?;
    let named =
        |channel: &Value| (channel["name"].as_str().unwrap_or_default().to_owned(), channel["isConfigured"] == true);
    Ok(channels.as_array().into_iter().flatten().map(named).collect())
}

fn there_for_all(world: &World) -> Result<()> {
    let far_end = FarEnd::start()?;
    let platform = Platform::start_set(world, &[("SENTRY_OUTBOUND_ALLOW", "127.0.0.1")])?;
    platform.project("shop")?;
    far_end.open("ding", Place { secret: Some("SECding"), keywords: &["告警"], ..Place::default() });
    let mail = json!({"kind": "mail", "name": "archive", "config": {"addresses": "archive@example.com"}});
    let with = |channels: &[Value]| Value::from(channels.to_vec()).to_string();

    let wrong =
        platform.one_more("cron", &[("SENTRY_CHANNELS", &with(&[robot(&far_end, "ding", "SECold", &["告警"])]))])?;
    let has = |expected: &[&str]| {
        let expected: Vec<(String, bool)> = expected.iter().map(|name| ((*name).to_owned(), true)).collect();
        usable(&platform).is_ok_and(|there| there == expected)
    };
    wait_for("the robot", SOON, || has(&["oncall"]))?;
    wrong.stop();
    let id = platform.api("/projects/acme/shop/channels/")?[0]["id"].as_str().context("a number")?.to_owned();

    // The same channel with another secret is the same channel, for the rules that use it.
    let list = with(&[robot(&far_end, "ding", "SECding", &["告警"]), mail]);
    let cron = platform.one_more("cron", &[("SENTRY_CHANNELS", &list)])?;
    wait_for("another channel", SOON, || has(&["oncall", "archive"]))?;
    let path = format!("/projects/acme/shop/channels/{id}/");
    let tried = platform.ask(Method::POST, &format!("{path}test/"), &json!({}))?.1;
    ensure!(tried["sent"] == true && far_end.told("ding").len() == 1, "a test is answered {tried}");
    cron.stop();

    for (method, path) in [(Method::PUT, &path), (Method::DELETE, &path)] {
        let (status, answer) = platform.ask(method.clone(), path, &json!({"name": "mine"}))?;
        ensure!(
            status == 400 && answer.to_string().contains("SENTRY_CHANNELS"),
            "{method} is answered {status}: {answer}"
        );
    }
    platform.sign_in()?;
    let page = platform.page("/acme/shop/settings/channels/")?;
    ensure!(
        page.contains("From the installation&#39;s configuration")
            || page.contains("From the installation's configuration"),
        "the page does not say where it comes from"
    );
    ensure!(!page.contains(&format!("/settings/channels/{id}/removal/")), "the page offers to remove it");

    let without = platform.one_more("cron", &[])?;
    wait_for("no channels", SOON, || has(&[]))?;
    without.stop();
    Ok(())
}

fn what_is_wrong_with_a_robot(world: &World) -> Result<()> {
    let far_end = FarEnd::start()?;
    let platform = Platform::start_set(world, &[("SENTRY_OUTBOUND_ALLOW", "127.0.0.1")])?;
    far_end.open("ding", Place { secret: Some("SECding"), keywords: &["告警"], ..Place::default() });
    far_end.open("list", Place { has_address_list: true, ..Place::default() });
    far_end.open("gone", Place { is_gone: true, ..Place::default() });
    let nowhere = json!({"access_token": "x", "server": format!("http://127.0.0.1:{}", harness::net::free_port()?)});
    let nowhere = json!({"kind": "dingtalk", "name": "oncall", "config": nowhere});
    let table = [
        (robot(&far_end, "ding", "SECding", &["告警"]), "Connected"),
        (robot(&far_end, "ding", "SECother", &["告警"]), "SignMismatch"),
        (robot(&far_end, "ding", "", &["告警"]), "SignMismatch"),
        (robot(&far_end, "nobody", "", &[]), "TokenInvalid"),
        (robot(&far_end, "gone", "", &[]), "TokenInvalid"),
        (robot(&far_end, "list", "", &[]), "IpNotWhitelisted"),
        (nowhere, "ConnectionRefused"),
    ];
    for (channel, expected) in table {
        let output = platform
            .command(&["config", "check", "--json"])
            .env("SENTRY_CHANNELS", json!([channel]).to_string())
            .output()?;
        let line = String::from_utf8_lossy(&output.stdout).into_owned();
        let report: Value = serde_json::from_str(&line)?;
        let check =
            |name: &str| report["checks"].as_array().and_then(|all| all.iter().find(|it| it["name"] == name)).cloned();
        let found = check("dingtalk").context("robots are checked")?;
        ensure!(found["reason"] == expected, "{channel} is {found}, not {expected}");
        ensure!(check("channels").is_some_and(|channels| channels["status"] == "ok"), "{line}");
        ensure!(
            !line.contains("SECding")
                && !line.contains("SECother")
                && output.status.success() == (expected == "Connected"),
            "{line}"
        );
    }
    ensure!(far_end.told("ding").is_empty(), "a group saw the check");
    let output = platform
        .command(&["config", "check"])
        .env("SENTRY_CHANNELS", r#"[{"kind": "slack", "name": "chat"}]"#)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(text.contains(r#"channel "chat": url: This is needed."#), "{text}");
    Ok(())
}
