//! What a project decides about its events, over the Web API.

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Story,
    platform::{Platform, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "what_a_project_does_not_want_is_counted_and_not_kept", run: unwanted_events_are_counted },
    Story { name: "a_projects_rules_say_what_is_the_same_and_what_is_secret", run: rules_group_and_scrub },
    Story { name: "a_setting_that_makes_no_sense_is_refused_in_words", run: nonsense_is_refused },
    Story { name: "an_organisation_demands_privacy_of_all_its_projects", run: an_organisation_demands },
    Story { name: "an_event_older_than_what_is_kept_has_a_wrong_clock", run: what_is_kept_says_what_is_old },
    Story { name: "a_member_reads_settings_and_an_admin_changes_them", run: only_admins_change_settings },
];

fn unwanted_events_are_counted(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let filters = "/projects/acme/shop/filters/";
    for (filter, body) in [
        ("localhost", json!({"active": true})),
        ("legacy-browsers", json!({"subfilters": ["ie9"]})),
        ("browser-extensions", json!({"active": true})),
    ] {
        let (status, answer) = platform.ask(Method::PUT, &format!("{filters}{filter}/"), &body)?;
        ensure!(status == 204, "switching {filter} was answered {status}: {answer}");
    }
    let options = json!({"options": {"filters:error_messages": "Boring*", "filters:releases": "shop@0.*"}});
    let (status, answer) = platform.ask(Method::PUT, "/projects/acme/shop/", &options)?;
    ensure!(status == 200 && answer["options"]["filters:releases"] == "shop@0.*", "answered {status}: {answer}");
    let listed = platform.api(filters)?;
    let browsers = listed.as_array().and_then(|all| all.iter().find(|filter| filter["id"] == "legacy-browsers"));
    ensure!(browsers.is_some_and(|filter| filter["active"] == json!(["ie9"])), "the filters are {listed:#}");

    let with = |name: &str, value: Value| {
        let mut event = error("Gone", name);
        event[name] = value;
        event
    };
    let agent = |agent: &str| json!({"url": "https://shop.example/", "headers": {"User-Agent": agent}});
    for (event, reason) in [
        (error("Boring", "again"), "error-message"),
        (with("release", json!("shop@0.9")), "release-version"),
        (with("request", json!({"url": "http://localhost:8000/cart"})), "localhost"),
        (with("request", agent("Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)")), "legacy-browsers"),
        (with("request", agent("Mozilla/5.0 (compatible; Googlebot/2.1)")), "web-crawlers"),
    ] {
        platform.receives(&project, &event)?;
        let counted = format!(
            "select sum(quantity) from outcomes where outcome = 1 and category = 'error' and reason = '{reason}'"
        );
        platform.wait_for_sql(&counted, "1")?;
    }
    platform.receives(&project, &error("Gone", "wanted"))?;
    platform.stores(1)
}

fn rules_group_and_scrub(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let settings = json!({
        "fingerprintingRules": "error.type:Gone -> gone title=\"Something is gone\"",
        "sensitiveFields": ["ticket"],
        "safeFields": ["token_kind"],
        "scrubIPAddresses": true,
    });
    let (status, answer) = platform.ask(Method::PUT, "/projects/acme/shop/", &settings)?;
    ensure!(status == 200 && answer["sensitiveFields"] == json!(["ticket"]), "answered {status}: {answer}");

    let mut first = error("Gone", "umbrella");
    first["extra"] = json!({"ticket_number": "A-77", "token_kind": "paper", "card": "4242 4242 4242 4242"});
    first["user"]["ip_address"] = json!("192.0.2.7");
    let id = platform.receives(&project, &first)?;
    let mut second = error("Gone", "hat");
    second["exception"]["values"][0]["stacktrace"]["frames"][1]["function"] = json!("remove");
    platform.receives(&project, &second)?;
    platform.stores(2)?;

    let issue = platform.only_issue(&project)?;
    ensure!(issue["count"] == "2" && issue["title"] == "Something is gone", "the issue is {issue:#}");
    let event = platform.api(&format!("/projects/acme/shop/events/{id}/"))?;
    let text = event.to_string();
    ensure!(!text.contains("A-77") && !text.contains("4242 4242"), "a secret was kept: {text}");
    ensure!(!text.contains("192.0.2.7"), "an address was kept: {text}");
    ensure!(text.contains("paper"), "what is safe was scrubbed: {text}");
    Ok(())
}

fn nonsense_is_refused(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    platform.project("shop")?;
    platform.project("other")?;
    for (settings, field, word) in [
        (json!({"fingerprintingRules": "error.type:Gone -> gone\nlevel:error"}), "fingerprintingRules", "line 2"),
        (json!({"groupingEnhancements": "family:native +everything"}), "groupingEnhancements", "+everything"),
        (json!({"options": {"filters:blacklisted_ips": "10.0.0.300"}}), "filters:blacklisted_ips", "10.0.0.300"),
        (json!({"relayPiiConfig": "{rules"}), "relayPiiConfig", "JSON"),
        (json!({"slug": "other"}), "slug", "Another project"),
        (json!({"slug": "No Slug"}), "slug", "Lower-case"),
        (json!({"name": " "}), "name", "blank"),
    ] {
        let before = platform.api("/projects/acme/shop/")?;
        let (status, answer) = platform.ask(Method::PUT, "/projects/acme/shop/", &settings)?;
        let why = answer[field][0].as_str().unwrap_or_default();
        ensure!(status == 400 && why.contains(word), "{settings} was answered {status}: {answer}");
        ensure!(platform.api("/projects/acme/shop/")? == before, "{settings} changed something");
    }
    Ok(())
}

fn only_admins_change_settings(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    platform.project("shop")?;
    platform.sql("update users set is_superuser = false; update members set role = 'member'")?;
    ensure!(platform.api("/projects/acme/shop/")?["slug"] == "shop", "a member reads");
    let change = json!({"resolveAge": 24});
    let (status, answer) = platform.ask(Method::PUT, "/projects/acme/shop/", &change)?;
    ensure!(status == 403, "a member was answered {status}: {answer}");
    platform.sql("update members set role = 'admin'")?;
    let (status, answer) = platform.ask(Method::PUT, "/projects/acme/shop/", &change)?;
    ensure!(status == 200 && answer["resolveAge"] == 24, "an admin was answered {status}: {answer}");
    Ok(())
}

fn an_organisation_demands(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let lax = json!({"dataScrubber": false, "dataScrubberDefaults": false, "scrubIPAddresses": false});
    let (status, answer) = platform.ask(Method::PUT, "/projects/acme/shop/", &lax)?;
    ensure!(status == 200, "a project that keeps all was answered {status}: {answer}");
    let demands = json!({
        "dataScrubber": true, "dataScrubberDefaults": true, "scrubIPAddresses": true,
        "sensitiveFields": ["ticket"], "safeFields": ["token_kind"], "name": "Acme Ltd",
    });
    let (status, answer) = platform.ask(Method::PUT, "/organizations/acme/", &demands)?;
    ensure!(status == 200, "the organisation was answered {status}: {answer}");
    let organization = platform.api("/organizations/acme/")?;
    for (field, value) in demands.as_object().into_iter().flatten() {
        ensure!(organization[field] == *value, "{field} is {}", organization[field]);
    }
    ensure!(organization["projects"][0]["slug"] == "shop", "the organisation is {organization:#}");

    let mut event = error("Gone", "umbrella");
    event["extra"] = json!({"ticket_number": "A-77", "token_kind": "paper", "password": "hunter2"});
    event["user"]["ip_address"] = json!("192.0.2.7");
    let id = platform.receives(&project, &event)?;
    platform.stores(1)?;
    let text = platform.api(&format!("/projects/acme/shop/events/{id}/"))?.to_string();
    for secret in ["A-77", "hunter2", "192.0.2.7"] {
        ensure!(!text.contains(secret), "{secret} was kept: {text}");
    }
    ensure!(text.contains("paper"), "what is safe was scrubbed: {text}");

    let wrong = json!({"sensitiveFields": 7, "relayPiiConfig": "{rules", "name": " "});
    let (status, answer) = platform.ask(Method::PUT, "/organizations/acme/", &wrong)?;
    let refused = |field: &str| answer[field].is_array();
    ensure!(
        status == 400 && ["sensitiveFields", "relayPiiConfig", "name"].iter().all(|field| refused(field)),
        "{status}: {answer}"
    );
    ensure!(platform.api("/organizations/acme/")? == organization, "nonsense changed something");
    platform.sql("update users set is_superuser = false; update members set role = 'admin'")?;
    let (status, _) = platform.ask(Method::PUT, "/organizations/acme/", &json!({"dataScrubber": false}))?;
    ensure!(status == 403, "who only decides about projects was answered {status}");
    Ok(())
}

fn what_is_kept_says_what_is_old(world: &World) -> Result<()> {
    let platform = Platform::start_set(world, &[("SENTRY_EVENT_RETENTION_DAYS", "200")])?;
    let project = platform.project("shop")?;
    let aged = |days: i64| -> Result<(String, i64)> {
        let now: i64 = platform.sql("select extract(epoch from now())::bigint")?.parse()?;
        let at = now - days * 86_400;
        let mut event = error("Gone", &format!("{days} days ago"));
        event["timestamp"] = json!(at);
        Ok((platform.receives(&project, &event)?, at))
    };
    let (kept, at) = aged(150)?;
    let (shifted, _) = aged(250)?;
    platform.stores(2)?;
    let seconds = |id: &str| {
        platform.sql(&format!("select extract(epoch from occurred_at)::bigint from events where id = '{id}'"))
    };
    ensure!(seconds(&kept)? == at.to_string(), "an event of the time that is kept has another time");
    let ago = "select now() - occurred_at < interval '1 hour' from events where id =";
    ensure!(platform.sql(&format!("{ago} '{shifted}'"))? == "t", "an older event keeps the time of a wrong clock");
    Ok(())
}
