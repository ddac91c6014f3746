//! What people and their tools read of what was sent.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::{
    Story,
    platform::{ADMIN, Platform, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "a_person_signs_in_and_reads_a_stack_trace", run: a_person_signs_in_and_reads_a_stack_trace },
    Story { name: "what_was_sent_is_escaped_on_every_page", run: what_was_sent_is_escaped_on_every_page },
    Story { name: "what_was_changed_of_an_event_is_told", run: what_was_changed_of_an_event_is_told },
    Story { name: "a_stranger_sees_nothing", run: a_stranger_sees_nothing },
    Story { name: "the_api_answers_as_sentrys_does", run: the_api_answers_as_sentrys_does },
    Story { name: "web_tells_when_the_schema_is_too_old", run: web_tells_when_the_schema_is_too_old },
];

fn a_person_signs_in_and_reads_a_stack_trace(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    platform.receives(&project, &error("Gone", "umbrella"))?;
    let issue = platform.only_issue(&project)?;

    platform.sign_in()?;
    let list = platform.page("/acme/shop/issues/")?;
    ensure!(
        ["Gone", "umbrella", "SHOP-1"].iter().all(|text| list.contains(text)),
        "the list does not show the issue:\n{list}"
    );
    let page = platform.page(&format!("/acme/shop/issues/{}/", issue["id"].as_str().unwrap_or_default()))?;
    for expected in
        ["Gone", "umbrella", "shop.cart", "raise Gone(item)", "shop@1.2.3", "production", "grace@example.com"]
    {
        ensure!(page.contains(expected), "the page does not show {expected:?}");
    }
    Ok(())
}

fn what_was_sent_is_escaped_on_every_page(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let script = "<script>alert(1)</script>";
    let mut event = error(script, script);
    event["tags"] = json!({ script: script });
    event["release"] = json!(script);
    event["breadcrumbs"] = json!([{ "message": script, "category": script }]);
    event["request"] = json!({ "url": format!("javascript:{script}"), "headers": { "X-Evil": script } });
    platform.receives(&project, &event)?;
    let issue = platform.only_issue(&project)?;
    platform.sign_in()?;
    let issue = format!("/acme/shop/issues/{}/", issue["id"].as_str().unwrap_or_default());
    for path in ["/acme/shop/issues/", &issue] {
        let page = platform.page(path)?;
        ensure!(!page.contains(script) && !page.contains("href=\"javascript:"), "{path} lets a script through");
    }
    Ok(())
}

fn what_was_changed_of_an_event_is_told(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let mut event = error("Gone", "the umbrella is gone");
    event["release"] = json!(["no release"]);
    event["extra"] = json!({"password": "hunter2"});
    event["tags"] = json!({"page": "x".repeat(300)});
    let id = platform.receives(&shop, &event)?;
    platform.stores(1)?;

    let told = platform.api(&format!("/projects/acme/shop/events/{id}/"))?;
    let first = &told["errors"][0];
    ensure!(first["message"] == "Discarded invalid value" && first["data"]["name"] == "release", "it has {told:#}");
    let remark = told["_meta"].pointer("/extra/password//rem/0/0").context("the password is remarked on")?;
    ensure!(remark == "@password:filter", "the remark is {remark}");

    platform.sign_in()?;
    let issue = platform.only_issue(&shop)?;
    let path = format!("/acme/shop/issues/{}/", issue["id"].as_str().context("an issue has an id")?);
    let page = platform.page(&path)?;
    for words in ["What was changed", "could not be read and was left out", "@password:filter", "extra.password"] {
        ensure!(page.contains(words), "the page does not say {words:?}");
    }
    ensure!(!page.contains("hunter2"), "the password is on the page");
    let page = platform.page_in_chinese(&path)?;
    ensure!(page.contains("处理记录") && page.contains("无法识别，已去掉"), "the page does not say it in Chinese");
    Ok(())
}

fn a_stranger_sees_nothing(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    platform.receives(&project, &error("Gone", "umbrella"))?;
    platform.only_issue(&project)?;

    let get = |path: &str| platform.client.get(format!("{}{path}", platform.url)).send();
    let answer = get("/acme/shop/issues/")?;
    ensure!(answer.url().path() == "/auth/login/", "sent to {}", answer.url());
    let answer = get("/api/0/projects/acme/shop/issues/")?;
    ensure!(answer.status() == 401, "the API answered {}", answer.status());
    let wrong = [("email", ADMIN), ("password", "guess")];
    let answer = platform.client.post(format!("{}/auth/login/", platform.url)).form(&wrong).send()?;
    ensure!(answer.status() == 200 || answer.status() == 401 || answer.status() == 422, "answered {}", answer.status());
    ensure!(get("/acme/shop/issues/")?.url().path() == "/auth/login/", "a wrong password signed somebody in");

    platform.picket(&["createuser", "--email", "eve@example.com", "--password", "eve's own password", "--no-input"])?;
    platform.sql("delete from members where user_id = (select id from users where email = 'eve@example.com')")?;
    let form = [("email", "eve@example.com"), ("password", "eve's own password")];
    platform.client.post(format!("{}/auth/login/", platform.url)).form(&form).send()?;
    let theirs = get("/acme/shop/issues/")?.status();
    let nobodys = get("/acme/nothing/issues/")?.status();
    ensure!(
        theirs == 404 && nobodys == 404,
        "another tenant's project looks like one that is not there: {theirs} {nobodys}"
    );
    Ok(())
}

fn the_api_answers_as_sentrys_does(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let id = platform.receives(&project, &error("Gone", "umbrella"))?;
    let issue = platform.only_issue(&project)?;
    let expected = json!({
        "title": "Gone: umbrella", "culprit": "shop.cart in add", "shortId": "SHOP-1", "level": "error", "status": "unresolved",
        "type": "error", "count": "1", "platform": "python",
    });
    for (name, value) in expected.as_object().into_iter().flatten() {
        ensure!(&issue[name] == value, "{name} is {}, not {value}", issue[name]);
    }
    let event = platform.api(&format!("/projects/acme/shop/events/{id}/"))?;
    ensure!(
        event["groupID"] == issue["id"] && event["title"] == "Gone: umbrella" && event["culprit"] == "shop.cart in add"
    );
    let frames = &event["entries"][0]["data"]["values"][0]["stacktrace"]["frames"];
    ensure!(frames[1]["function"] == "add" && frames[1]["inApp"] == true, "the frames are {frames:#}");
    Ok(())
}

fn web_tells_when_the_schema_is_too_old(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    platform.sql(
        "update _sqlx_migrations set version = -version where version = (select max(version) from _sqlx_migrations)",
    )?;
    let answer = platform.client.get(format!("{}/_ready/", platform.url)).send()?;
    let (status, reason) = (answer.status(), answer.text()?);
    ensure!(status == 503 && reason.contains("upgrade"), "answered {status}: {reason}");
    ensure!(
        platform.client.get(format!("{}/_health/", platform.url)).send()?.status() == 200,
        "it is alive all the same"
    );
    Ok(())
}
