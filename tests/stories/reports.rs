//! What users wrote, whichever came first, they or the event.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::{
    Story,
    platform::{Platform, World, error},
};

pub const STORIES: &[Story] =
    &[Story { name: "what_a_user_wrote_stands_beside_the_event", run: what_a_user_wrote_stands_beside_the_event }];

const ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";

fn what_a_user_wrote_stands_beside_the_event(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let url = format!("{}/api/{}/envelope/?sentry_key={}", platform.url, shop.id, shop.key);
    let send = |header: &str, items: String| -> Result<()> {
        ensure!(platform.client.post(&url).body(format!("{header}\n{items}")).send()?.status() == 200);
        Ok(())
    };
    let report = |comments: &str| {
        let report = json!({"event_id": ID, "name": "Grace", "email": "grace@example.com", "comments": comments});
        format!("{{\"type\":\"user_report\"}}\n{report}\n")
    };
    let header = format!("{{\"event_id\":\"{ID}\"}}");
    send(&header, report("It broke"))?;
    platform.wait_for_sql("select comments from user_reports", "It broke")?;
    let told = platform.api("/projects/acme/shop/user-feedback/")?;
    ensure!(told[0]["eventID"] == ID && told[0]["issue"].is_null() && told[0]["event"]["id"].is_null(), "{told:#}");

    let mut event = error("Gone", "umbrella");
    event["event_id"] = ID.into();
    platform.receives(&shop, &event)?;
    platform.stores(1)?;
    let issue = platform.only_issue(&shop)?;
    let told = platform.api("/projects/acme/shop/user-feedback/")?;
    ensure!(told[0]["issue"]["id"] == issue["id"] && told[0]["comments"] == "It broke", "{told:#}");
    let id = issue["id"].as_str().unwrap_or_default();
    ensure!(platform.api(&format!("/issues/{id}/user-reports/"))?[0]["name"] == "Grace", "the issue has it too");
    ensure!(platform.api(&format!("/projects/acme/shop/events/{ID}/"))?["userReport"]["email"] == "grace@example.com");
    send(&header, report("It <b>still</b> breaks"))?;
    platform.wait_for_sql("select string_agg(comments, '') from user_reports", "It <b>still</b> breaks")?;
    platform.sign_in()?;
    let page = platform.page(&format!("/acme/shop/issues/{id}/"))?;
    ensure!(page.contains("grace@example.com") && !page.contains("<b>still"), "the page shows it, as text");

    // Feedback is an event of its own, with a screenshot, and may be about another one.
    let own = "11111111111111111111111111111111";
    let feedback = json!({"event_id": own, "type": "feedback", "contexts": {"feedback": {
        "message": "It is slow", "contact_email": "alan@example.com", "url": "https://shop.example/",
        "associated_event_id": ID}}});
    let items = format!(
        "{{\"type\":\"feedback\"}}\n{feedback}\n{{\"type\":\"attachment\",\"length\":3,\"filename\":\"s.png\"}}\npng\n"
    );
    send(&format!("{{\"event_id\":\"{own}\"}}"), items)?;
    platform
        .wait_for_sql("select count(*) from user_reports where own_event_id is not null and url is not null", "1")?;
    let files = platform.api(&format!("/projects/acme/shop/events/{own}/attachments/"))?;
    ensure!(files[0]["name"] == "s.png", "{files:#}");
    ensure!(platform.api(&format!("/issues/{id}/user-feedback/"))?.as_array().is_some_and(|told| told.len() == 2));
    Ok(())
}
