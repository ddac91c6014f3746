//! Channels: each is tried against a server that insists on what its service documents.

use anyhow::{Context, Result, ensure};
use harness::far_end::{FarEnd, Fault, Place};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Story,
    platform::{Platform, World},
};

pub const STORIES: &[Story] = &[
    Story { name: "every_kind_of_channel_is_taken_by_a_server_that_insists_on_its_rules", run: every_kind_is_taken },
    Story { name: "what_a_channels_server_refuses_is_explained_in_words", run: refusals_are_explained },
    Story { name: "a_mistake_in_a_channels_settings_is_named_by_its_field", run: mistakes_are_named },
    Story { name: "a_channels_secrets_are_sealed_and_never_shown_again", run: secrets_are_sealed },
    Story { name: "a_channel_reaches_no_private_address_that_is_not_allowed", run: private_addresses_are_refused },
    Story { name: "an_organisations_channel_is_there_for_all_its_projects", run: an_organisations_channel },
];

pub const KEY: &str = "0123456789abcdef0123456789abcdef";
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A platform that may reach the far end.
pub fn platform(world: &World) -> Result<(Platform<'_>, FarEnd)> {
    let far_end = FarEnd::start()?;
    Ok((Platform::start_set(world, &[("SENTRY_OUTBOUND_ALLOW", "127.0.0.1")])?, far_end))
}

/// Sets a channel of the shop up and returns its number.
pub fn add(platform: &Platform, kind: &str, config: &Value) -> Result<String> {
    let body = json!({"kind": kind, "name": format!("The {kind}"), "config": config});
    let (status, channel) = platform.ask(Method::POST, "/projects/acme/shop/channels/", &body)?;
    ensure!(status == 201, "{kind} was answered {status}: {channel}");
    Ok(channel["id"].as_str().context("a channel has a number")?.to_owned())
}

/// What comes of trying a channel.
fn test(platform: &Platform, channel: &str) -> Result<Value> {
    let (status, tried) =
        platform.ask(Method::POST, &format!("/projects/acme/shop/channels/{channel}/test/"), &json!({}))?;
    ensure!(status == 200, "trying was answered {status}: {tried}");
    Ok(tried)
}

fn every_kind_is_taken(world: &World) -> Result<()> {
    let (platform, far_end) = platform(world)?;
    platform.project("shop")?;
    far_end.open("ding", Place { secret: Some("SECding"), keywords: &["告警"], ..Place::default() });
    far_end.open("fei", Place { secret: Some("feisecret"), keywords: &["告警"], ..Place::default() });
    for place in ["wecom", "slack", KEY] {
        far_end.open(place, Place::default());
    }
    far_end.open("own", Place { secret: Some(SECRET), ..Place::default() });
    let server = far_end.url("");
    let channels = [
        (
            "dingtalk",
            "ding",
            json!({"access_token": "ding", "secret": "SECding", "keywords": ["告警"], "mobiles": ["13800000000"], "server": server}),
        ),
        (
            "dingtalk",
            "ding",
            json!({"access_token": format!("{server}/robot/send?access_token=ding"), "secret": "SECding", "keywords": ["告警"], "style": "action_card", "language": "zh", "server": server}),
        ),
        (
            "feishu",
            "fei",
            json!({"url": far_end.url("/open-apis/bot/v2/hook/fei"), "secret": "feisecret", "keywords": "告警", "user_ids": ["all"]}),
        ),
        (
            "wecom",
            "wecom",
            json!({"url": far_end.url("/cgi-bin/webhook/send?key=wecom"), "user_ids": ["ada"], "language": "zh"}),
        ),
        ("slack", "slack", json!({"url": far_end.url("/services/T1/B1/slack")})),
        ("pagerduty", KEY, json!({"routing_key": KEY, "server": server})),
        ("webhook", "own", json!({"url": far_end.url("/hook/own"), "secret": SECRET})),
        (
            "webhook",
            "own",
            json!({"url": far_end.url("/hook/own"), "secret": SECRET, "template": "{\"say\": \"{{title}}\", \"n\": {{events}}}"}),
        ),
    ];
    for (kind, place, config) in &channels {
        let channel = add(&platform, kind, config)?;
        let before = far_end.told(place).len();
        let tried = test(&platform, &channel)?;
        ensure!(tried == json!({"sent": true}), "{kind}: {tried}; refused: {:?}", far_end.refused());
        ensure!(far_end.told(place).len() == before + 1, "{kind} was told");
    }
    let own = far_end.told("own");
    ensure!(own[0].body["type"] == "issue.test" && own[0].body["project"] == "shop", "the usual body: {}", own[0].body);
    ensure!(own[1].body == json!({"say": "TestError: This is a test", "n": 1}), "a body of one's own: {}", own[1].body);
    ensure!(own[0].id != own[1].id, "two messages are two");
    Ok(())
}

fn refusals_are_explained(world: &World) -> Result<()> {
    let (platform, far_end) = platform(world)?;
    platform.project("shop")?;
    let server = far_end.url("");
    far_end.open("ding", Place { secret: Some("SECding"), ..Place::default() });
    far_end.open("words", Place { keywords: &["告警"], ..Place::default() });
    far_end.open("listed", Place { has_address_list: true, ..Place::default() });
    far_end.open("gone", Place { is_gone: true, ..Place::default() });
    far_end.open("busy", Place { per_minute: Some(0), ..Place::default() });
    far_end.open("own", Place { secret: Some("another secret than ours"), ..Place::default() });
    let ding = |token: &str, secret: &str| json!({"access_token": token, "secret": secret, "server": server});
    let feishu = |token: &str| json!({"url": far_end.url(&format!("/open-apis/bot/v2/hook/{token}"))});
    let slack = |token: &str| json!({"url": far_end.url(&format!("/services/T1/B1/{token}"))});
    let wecom = |token: &str| json!({"url": far_end.url(&format!("/cgi-bin/webhook/send?key={token}"))});
    let hook = |name: &str| json!({"url": far_end.url(&format!("/hook/{name}")), "secret": SECRET});
    for (kind, config, code, words) in [
        ("dingtalk", ding("ding", "SECother"), "310000 sign", "copy the signing secret again"),
        ("dingtalk", ding("words", ""), "310000 keyword", "enter them under Keywords"),
        ("dingtalk", ding("listed", ""), "310000 address", "add this server's"),
        ("dingtalk", ding("nobody", ""), "300005", "no robot of this access token"),
        ("dingtalk", ding("gone", ""), "400013", "disbanded"),
        ("dingtalk", ding("busy", ""), "130101", "20 messages a minute"),
        ("feishu", feishu("nobody"), "19001", "no bot at this address"),
        ("feishu", feishu("ding"), "19021", "copy the signing secret again"),
        ("feishu", feishu("words"), "19024", "enter them under Keywords"),
        ("feishu", feishu("listed"), "19022", "addresses on its list"),
        ("feishu", feishu("busy"), "11232", "100 messages a minute"),
        ("wecom", wecom("nobody"), "93000", "no robot at this address"),
        ("wecom", wecom("busy"), "45009", "20 messages a minute"),
        ("slack", slack("nobody"), "no_service", "make a new one"),
        ("slack", slack("gone"), "channel_is_archived", "archived"),
        ("slack", slack("busy"), "http 429", "too many messages"),
        ("pagerduty", json!({"routing_key": KEY, "server": server}), "invalid key", "no such integration key"),
        ("webhook", hook("own"), "http 401", "is the secret right"),
        ("webhook", hook("nobody"), "http 404", "nothing at this address"),
        ("webhook", hook("gone"), "http 410", "nothing at this address"),
        ("webhook", json!({"url": "http://127.0.0.1:1/", "secret": SECRET}), "unreachable", "did not answer"),
    ] {
        let tried = test(&platform, &add(&platform, kind, &config)?)?;
        let explained = tried["explanation"].as_str().unwrap_or_default();
        ensure!(
            tried["sent"] == false && tried["code"] == code && explained.contains(words),
            "{kind} {config}: {tried}"
        );
    }
    far_end.fails(&[Fault::Status(502)]);
    let tried = test(&platform, &add(&platform, "slack", &slack("busy"))?)?;
    ensure!(tried["code"] == "http 502", "{tried}");
    Ok(())
}

fn mistakes_are_named(world: &World) -> Result<()> {
    let (platform, _far_end) = platform(world)?;
    platform.project("shop")?;
    for (kind, config, field) in [
        ("dingtalk", json!({}), "access_token"),
        ("slack", json!({"url": "hooks.slack.com"}), "url"),
        ("webhook", json!({"url": "https://example.com", "secret": "short"}), "secret"),
        ("webhook", json!({"url": "https://example.com", "secret": SECRET, "template": "{"}), "template"),
        ("mail", json!({"addresses": ["ada@example.com", "not one"]}), "addresses"),
        ("pager", json!({}), "kind"),
        ("slack", json!({"url": "https://example.com", "colour": "red"}), "colour"),
    ] {
        let body = json!({"kind": kind, "name": "x", "config": config});
        let (status, answer) = platform.ask(Method::POST, "/projects/acme/shop/channels/", &body)?;
        ensure!(status == 400 && answer[field].is_array(), "{kind} {config} was answered {status}: {answer}");
    }
    Ok(())
}

fn secrets_are_sealed(world: &World) -> Result<()> {
    let (platform, far_end) = platform(world)?;
    platform.project("shop")?;
    far_end.open("ding", Place { secret: Some("SECding"), ..Place::default() });
    let channel =
        add(&platform, "dingtalk", &json!({"access_token": "ding", "secret": "SECding", "server": far_end.url("")}))?;
    let path = format!("/projects/acme/shop/channels/{channel}/");
    let shown = platform.api(&path)?;
    ensure!(shown["secrets"] == json!(["access_token", "secret"]), "what is secret is named: {shown}");
    ensure!(!shown.to_string().contains("SECding"), "and not shown: {shown}");
    let kept = platform.sql("select config::text || encode(secrets, 'escape') from channels")?;
    ensure!(!kept.contains("SECding") && !kept.contains("ding\""), "the database holds {kept}");

    let (status, renamed) =
        platform.ask(Method::PUT, &path, &json!({"name": "Renamed", "config": {"keywords": ["x"]}}))?;
    ensure!(status == 200 && renamed["name"] == "Renamed", "renaming was answered {status}: {renamed}");
    ensure!(test(&platform, &channel)?["sent"] == true, "secrets that nobody sent again stay");

    let new = ("SENTRY_SECRET_KEY", "another secret key, as long as one has to be");
    let free = format!("127.0.0.1:{}", harness::net::free_port()?);
    let ask = |settings: &[(&str, &str)]| -> Result<Value> {
        let web = platform.one_more("web", settings)?;
        let url = format!("http://{free}/api/0{path}test/");
        let mut answer = Value::Null;
        harness::net::wait_for("the other web", crate::platform::SOON, || {
            let sent = platform.client.post(&url).bearer_auth(crate::platform::TOKEN).json(&json!({})).send();
            sent.and_then(reqwest::blocking::Response::json).map(|said| answer = said).is_ok()
        })?;
        web.stop();
        Ok(answer)
    };
    let lost = ask(&[new, ("SENTRY_WEB_LISTEN", &free)])?;
    let said = lost["said"].as_str().unwrap_or_default();
    ensure!(lost["code"] == "secret" && said.contains("SENTRY_SECRET_KEY_PREVIOUS"), "without the old key: {lost}");
    let before = ("SENTRY_SECRET_KEY_PREVIOUS", "a secret key of a story, long enough to be one");
    ensure!(ask(&[new, before, ("SENTRY_WEB_LISTEN", &free)])?["sent"] == true, "the key before still opens");
    Ok(())
}

fn private_addresses_are_refused(world: &World) -> Result<()> {
    let far_end = FarEnd::start()?;
    let platform = Platform::start(world)?;
    platform.project("shop")?;
    far_end.open("own", Place::default());
    for url in [far_end.url("/hook/own"), "http://169.254.169.254/latest/".to_owned(), "http://[::1]/".to_owned()] {
        let body = json!({"kind": "webhook", "name": "x", "config": {"url": url, "secret": SECRET}});
        let (status, answer) = platform.ask(Method::POST, "/projects/acme/shop/channels/", &body)?;
        let why = answer["url"][0].as_str().unwrap_or_default();
        ensure!(status == 400 && why.contains("SENTRY_OUTBOUND_ALLOW"), "{url} was answered {status}: {answer}");
    }
    // What a name means is known only when it is asked.
    let url = format!("http://localhost:{}/hook/own", far_end.address.port());
    let tried = test(&platform, &add(&platform, "webhook", &json!({"url": url, "secret": SECRET}))?)?;
    ensure!(tried["code"] == "forbidden" && far_end.told("own").is_empty(), "{tried}");
    Ok(())
}

fn an_organisations_channel(world: &World) -> Result<()> {
    let (platform, far_end) = platform(world)?;
    platform.project("shop")?;
    platform.project("bakery")?;
    far_end.open("own", Place { secret: Some(SECRET), ..Place::default() });
    let config = json!({"url": far_end.url("/hook/own"), "secret": SECRET});
    let body = json!({"kind": "webhook", "name": "Everybody's", "config": config});
    let (status, channel) = platform.ask(Method::POST, "/organizations/acme/channels/", &body)?;
    ensure!(status == 201 && channel["isShared"] == true, "answered {status}: {channel}");
    let id = channel["id"].as_str().unwrap_or_default();
    add(&platform, "webhook", &config)?;
    let names = |slug: &str| -> Result<usize> {
        Ok(platform.api(&format!("/projects/acme/{slug}/channels/"))?.as_array().map_or(0, Vec::len))
    };
    ensure!((names("shop")?, names("bakery")?) == (2, 1), "a project's own is only its own");
    let (status, _) = platform.ask(Method::POST, &format!("/projects/acme/bakery/channels/{id}/test/"), &json!({}))?;
    ensure!(status == 200 && far_end.told("own").len() == 1, "any of its projects may try it");
    let (status, _) = platform.ask(Method::DELETE, &format!("/projects/acme/shop/channels/{id}/"), &json!({}))?;
    ensure!(status == 403, "a project does not delete what is its organisation's: {status}");
    let (status, _) = platform.ask(Method::DELETE, &format!("/organizations/acme/channels/{id}/"), &json!({}))?;
    ensure!(status == 204, "its organisation does: {status}");
    Ok(())
}
