//! What is counted of an issue besides its events: tags, releases, environments and users.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::{
    Story,
    platform::{Platform, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "tags_users_and_releases_of_an_issue_are_counted", run: tags_are_counted },
    Story { name: "no_more_than_a_thousand_values_of_a_tag_are_kept_of_an_issue", run: values_are_bounded },
];

fn tags_are_counted(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    for (number, release) in ["1.0", "1.0", "1.1"].iter().enumerate() {
        let mut event = error("Gone", "item");
        event["release"] = json!(release);
        event["user"] = json!({"id": (number % 2).to_string()});
        platform.receives(&project, &event)?;
        // The same again is no other event.
        platform.receives(&project, &event)?;
    }
    platform.receives(&project, &error("Late", "item"))?;
    platform.stores(4)?;
    let of_issue = |key: &str| {
        platform.sql(&format!(
            "select string_agg(value || '=' || events, ' ' order by value) from issue_tags t join issues i on i.id = t.issue_id
             where i.title like 'Gone%' and key = '{key}'"
        ))
    };
    ensure!(of_issue("release")? == "1.0=2 1.1=1", "releases: {}", of_issue("release")?);
    ensure!(of_issue("environment")? == "production=3" && of_issue("region")? == "eu=3");
    ensure!(of_issue("user")? == "id:0=2 id:1=1", "users: {}", of_issue("user")?);
    let users = "select string_agg(title || ' ' || users_seen, ', ' order by title) from issues";
    ensure!(platform.sql(users)? == "Gone: item 2, Late: item 1", "{}", platform.sql(users)?);
    let by_tag = "select count(*) from events e join tag_values v on v.project_id = e.project_id
                  where v.key = 'release' and v.value = '1.0' and e.tags @> array[v.tag]";
    ensure!(platform.sql(by_tag)? == "2", "events are found by a tag");
    let first_three = "select count(*) from events e
        join tag_values a on a.tag = e.tags[1] join tag_values b on b.tag = e.tags[2] join tag_values c on c.tag = e.tags[3]
        where (a.key, b.key, c.key) = ('environment', 'release', 'user')";
    ensure!(platform.sql(first_three)? == "4", "an event's environment, release and user are reached without its body");
    Ok(())
}

fn values_are_bounded(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    platform.receives(&project, &error("Gone", "item"))?;
    platform.stores(1)?;
    // As if a thousand values had been seen before.
    platform.sql("update issue_tag_keys set values = 1000 where key = 'region'")?;
    for region in ["eu", "us", "cn", "us"] {
        let mut event = error("Gone", "item");
        event["tags"] = json!({"region": region});
        platform.receives(&project, &event)?;
    }
    platform.stores(5)?;
    let known = "select string_agg(value || '=' || events, ' ') from issue_tags where key = 'region'";
    ensure!(platform.sql(known)? == "eu=2", "known values go on: {}", platform.sql(known)?);
    ensure!(
        platform.sql("select others from issue_tag_keys where key = 'region'")? == "3",
        "the others are counted together"
    );
    let found = "select count(*) from events e join tag_values v on v.value = 'us' and e.tags @> array[v.tag]";
    ensure!(platform.sql(found)? == "2", "they are found all the same");
    Ok(())
}
