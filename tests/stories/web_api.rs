//! Sentry's Web API v0 of organisations, projects, keys and events, as scripts and Terraform use it.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Story,
    platform::{Platform, Project, SOON, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "keys_are_looked_after_by_the_web_api", run: keys },
    Story { name: "organisations_and_projects_are_listed_by_the_web_api", run: lists },
    Story { name: "an_event_is_found_by_its_id_alone", run: event_ids },
];

const KEYS: &str = "/projects/acme/shop/keys/";

fn keys(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let first = platform.api(KEYS)?;
    ensure!(first.as_array().is_some_and(|all| all.len() == 1), "a new project has a key: {first}");
    ensure!(first[0]["dsn"]["public"] == shop.dsn.as_str(), "its DSN is {}", first[0]["dsn"]);
    let (status, made) =
        platform.ask(Method::POST, KEYS, &json!({"name": "Tills", "rateLimit": {"window": 3600, "count": 1}}))?;
    ensure!(status == 201 && made["name"] == "Tills" && made["isActive"] == true, "{status}: {made}");
    ensure!(made["rateLimit"] == json!({"window": 3600, "count": 1}), "its limit is {}", made["rateLimit"]);
    let id = made["id"].as_str().context("a key has an id")?.to_owned();
    let path = format!("{KEYS}{id}/");
    let tills = Project { id: shop.id, slug: shop.slug, key: id.clone(), dsn: shop.dsn };
    // Of what is sent with it one is taken, and the next refused.
    platform.receives(&tills, &error("Gone", "hat"))?;
    let refused = || platform.send(&tills, &error("Gone", "hat")).is_ok_and(|answer| answer.status() == 429);
    harness::net::wait_for("a refusal", SOON, refused)?;
    platform.wait_for_sql(
        &format!("select sum(accepted) >= 1 and sum(dropped) >= 1 from key_hours where public_key = '{id}'"),
        "t",
    )?;
    let hours = platform.api(&format!("{path}stats/"))?;
    let total = |name: &str| hours.as_array().into_iter().flatten().filter_map(|one| one[name].as_i64()).sum::<i64>();
    ensure!(total("total") == total("accepted") + total("dropped") && total("accepted") == 1, "the hours are {hours}");
    let (status, changed) =
        platform.ask(Method::PUT, &path, &json!({"name": "Old tills", "isActive": false, "rateLimit": null}))?;
    ensure!(status == 200 && changed["name"] == "Old tills" && changed["isActive"] == false, "{status}: {changed}");
    ensure!(changed["rateLimit"].is_null(), "the limit is away: {changed}");
    let names = |query: &str| -> Result<Vec<Value>> {
        let listed = platform.api(&format!("{KEYS}{query}"))?;
        Ok(listed.as_array().into_iter().flatten().map(|one| one["name"].clone()).collect())
    };
    ensure!(names("?status=active")? == ["Default"] && names("?status=inactive")? == ["Old tills"], "by status");
    let of_all = platform.api("/organizations/acme/project-keys/")?;
    ensure!(of_all.as_array().is_some_and(|all| all.len() == 2), "the organisation has two keys: {of_all}");
    let (status, wrong) = platform.ask(Method::PUT, &path, &json!({"name": " "}))?;
    ensure!(status == 400 && wrong["name"].is_array(), "a name of blanks was answered {status}: {wrong}");
    let (status, wrong) = platform.ask(Method::PUT, &path, &json!({"rateLimit": {"window": -1, "count": 5}}))?;
    ensure!(status == 400 && wrong["rateLimit"].is_array(), "a negative window was answered {status}: {wrong}");
    let (status, _) = platform.ask(Method::DELETE, &path, &json!({}))?;
    ensure!(status == 204, "removing it was answered {status}");
    let (status, _) = platform.ask(Method::DELETE, &path, &json!({}))?;
    ensure!(status == 404, "removing it again was answered {status}");
    let logged =
        platform.sql("select string_agg(event, ' ' order by id) from audit_log where event like 'projectkey%'")?;
    // Its limit; then its name, that it is off, and that its limit is away.
    let four = "projectkey.change ".repeat(4);
    ensure!(logged == format!("projectkey.create {four}projectkey.remove"), "the audit log has {logged}");
    Ok(())
}

fn lists(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let (status, made) =
        platform.ask(Method::POST, "/organizations/acme/projects/", &json!({"name": "Web Shop (EU)"}))?;
    ensure!(status == 201 && made["slug"] == "web-shop-eu", "{status}: {made}");
    let (status, taken) = platform.ask(Method::POST, "/organizations/acme/projects/", &json!({"name": "Shop"}))?;
    ensure!(status == 400 && taken["slug"].is_array(), "a slug that is taken was answered {status}: {taken}");
    let (status, nameless) = platform.ask(Method::POST, "/organizations/acme/projects/", &json!({}))?;
    ensure!(status == 400 && nameless["name"].is_array(), "no name was answered {status}: {nameless}");
    let slugs = |path: &str| -> Result<Vec<String>> {
        let listed = platform.api(path)?;
        let all = listed.as_array().with_context(|| format!("{path} is a list"))?;
        Ok(all.iter().filter_map(|one| one["slug"].as_str().map(str::to_owned)).collect())
    };
    ensure!(slugs("/organizations/acme/projects/")? == ["shop", "web-shop-eu"], "the projects of an organisation");
    ensure!(slugs("/projects/")?.contains(&"web-shop-eu".to_owned()), "all projects");
    ensure!(platform.api("/projects/")?[0]["organization"]["slug"].is_string(), "each says whose it is");
    ensure!(slugs("/organizations/")?.contains(&"acme".to_owned()), "all organisations");
    let (status, _) = platform.ask(Method::POST, "/organizations/acme/teams/", &json!({"slug": "checkout"}))?;
    ensure!(status == 201, "the team was answered {status}");
    platform.ask(Method::POST, "/projects/acme/shop/teams/checkout/", &json!({}))?;
    for one in [platform.api("/projects/acme/shop/")?, platform.api("/organizations/acme/projects/")?[0].clone()] {
        ensure!(
            one["team"]["slug"] == "checkout" && one["teams"][0]["slug"] == "checkout",
            "its teams are {}",
            one["teams"]
        );
    }
    for item in ["hat", "coat"] {
        platform.receives(&shop, &error("Gone", item))?;
    }
    platform.wait_for_sql(
        "select coalesce(sum(quantity), 0) from outcomes where outcome = 0 and category = 'error'",
        "2",
    )?;
    let series = platform.api("/projects/acme/shop/stats/?stat=received")?;
    let points = series.as_array().context("a series")?;
    let sum: i64 = points.iter().filter_map(|point| point[1].as_i64()).sum();
    ensure!(points.len() == 25 && sum == 2, "{} hours have {sum} events", points.len());
    let rejected = platform.api("/projects/acme/shop/stats/?stat=rejected&resolution=1d")?;
    ensure!(
        rejected.as_array().is_some_and(|days| days.len() == 31 && days.iter().all(|day| day[1] == 0)),
        "{rejected}"
    );
    Ok(())
}

fn event_ids(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let event = error("Gone", "hat");
    let id = event["event_id"].as_str().context("an id")?.to_owned();
    platform.receives(&shop, &event)?;
    platform.stores(1)?;
    let found = platform.api(&format!("/organizations/acme/eventids/{id}/"))?;
    ensure!(found["projectSlug"] == "shop" && found["eventId"] == id.as_str(), "it is {found}");
    ensure!(found["event"]["groupID"] == found["groupId"], "its event is {}", found["event"]["groupID"]);
    let raw = platform.api(&format!("/projects/acme/shop/events/{id}/json/"))?;
    ensure!(raw["exception"]["values"][0]["type"] == "Gone", "what is stored is {raw}");
    let (status, _) =
        platform.ask(Method::GET, &format!("/organizations/acme/eventids/{}/", "0".repeat(32)), &json!({}))?;
    ensure!(status == 404, "an event that is not there was answered {status}");
    Ok(())
}
