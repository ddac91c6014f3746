//! What people do with issues over the Web API: lists of an organisation, assigning, marking, commenting, saved searches, undoing.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Story,
    lifecycle::Watched,
    platform::{ADMIN, PASSWORD, Platform, TOKEN, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "an_organisations_issues_are_one_list", run: organization },
    Story { name: "an_issue_is_given_to_a_person_or_a_team", run: assign },
    Story { name: "marks_on_an_issue_are_each_persons_own", run: marks },
    Story { name: "comments_are_written_edited_and_deleted_by_their_author", run: comments },
    Story { name: "an_issue_tells_its_tags_and_their_values", run: tags },
    Story { name: "searches_are_saved_for_oneself_or_for_everybody", run: saved },
    Story { name: "an_action_on_many_issues_is_undone_once", run: undo },
    Story { name: "a_merge_is_undone", run: undo_merge },
    Story { name: "what_people_have_to_do_with_merged_issues_is_kept", run: merged_people },
    Story { name: "issues_are_deleted_by_a_query", run: delete },
];

/// A token of somebody who is a member of acme.
const GRACE: &str = "sntryu_00000000000000000000000000000000000000000000000000000000000grace";

/// Makes her one.
pub fn grace(platform: &Platform<'_>) -> Result<()> {
    platform.picket(&["createuser", "--email", "grace@example.com", "--password", PASSWORD, "--no-input"])?;
    platform.sql(&format!(
        "insert into members (organization_id, user_id, role) select o.id, u.id, 'member' from organizations o, users u
             where o.slug = 'acme' and u.email = 'grace@example.com' on conflict do nothing;
         insert into api_tokens (token_hash, user_id, name, created_at)
             select sha256('{GRACE}'), id, 'story', now() from users where email = 'grace@example.com'"
    ))?;
    Ok(())
}

/// Asks as grace.
pub fn as_grace(platform: &Platform<'_>, method: Method, path: &str, body: &Value) -> Result<(u16, Value)> {
    let request = platform.client.request(method, format!("{}/api/0{path}", platform.url)).bearer_auth(GRACE);
    let answer = request.json(body).send()?;
    let status = answer.status().as_u16();
    Ok((status, serde_json::from_str(&answer.text()?).unwrap_or(Value::Null)))
}

fn titles(issues: &Value) -> Vec<&str> {
    issues.as_array().into_iter().flatten().filter_map(|issue| issue["title"].as_str()).collect()
}

fn put(platform: &Platform<'_>, path: &str, wanted: &Value) -> Result<Value> {
    let (status, answer) = platform.ask(Method::PUT, path, wanted)?;
    ensure!(status == 200, "{path} {wanted} was answered {status}: {answer}");
    Ok(answer)
}

/// Does something to several issues and returns the names of the actions.
fn act(platform: &Platform<'_>, path: &str, wanted: &Value) -> Result<String> {
    let request = platform.client.put(format!("{}/api/0{path}", platform.url)).bearer_auth(TOKEN);
    let answer = request.json(wanted).send()?;
    let actions = answer.headers().get("x-picket-actions").context("the action has a name")?.to_str()?.to_owned();
    ensure!(answer.status() == 200, "{path} {wanted} was answered {}", answer.text()?);
    Ok(actions)
}

fn organization(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let (shop, cart) = (platform.project("shop")?, platform.project("cart")?);
    let mut old = error("Old", "umbrella");
    old["timestamp"] = json!((picket_platform::app::now() - chrono::TimeDelta::days(10)).to_rfc3339());
    old["environment"] = json!("staging");
    platform.receives(&shop, &old)?;
    platform.stores(1)?;
    platform.receives(&shop, &error("Gone", "umbrella"))?;
    platform.stores(2)?;
    platform.receives(&cart, &error("Full", "cart"))?;
    platform.stores(3)?;

    let all = platform.api("/organizations/acme/issues/?sort=new")?;
    ensure!(titles(&all) == ["Full: cart", "Gone: umbrella", "Old: umbrella"], "the list is {:?}", titles(&all));
    ensure!(
        all[0]["project"]["slug"] == "cart" && all[0]["shortId"] == "CART-1" && all[0]["userCount"] == 1,
        "{}",
        all[0]
    );
    ensure!(
        all[0]["stats"]["24h"].as_array().is_some_and(|points| points.len() == 24),
        "each has its counts: {}",
        all[0]
    );
    for (asked, expected) in [
        (format!("project={}", cart.id), vec!["Full: cart"]),
        ("project=-1&query=umbrella&sort=new".into(), vec!["Gone: umbrella", "Old: umbrella"]),
        ("statsPeriod=24h&query=umbrella".into(), vec!["Gone: umbrella"]),
        ("environment=staging".into(), vec!["Old: umbrella"]),
        (
            "environment=staging&environment=production&query=project:shop&sort=new".into(),
            vec!["Gone: umbrella", "Old: umbrella"],
        ),
        ("query=SHOP-2&shortIdLookup=1".into(), vec!["Gone: umbrella"]),
        ("start=2020-01-01T00:00:00&end=2020-02-01T00:00:00".into(), vec![]),
        ("groupStatsPeriod=14d&query=release:latest&sort=new&limit=1".into(), vec!["Full: cart"]),
    ] {
        let found = platform.api(&format!("/organizations/acme/issues/?{asked}"))?;
        ensure!(titles(&found) == expected, "{asked} finds {:?}", titles(&found));
    }
    for wrong in ["sort=colour", "statsPeriod=soon", "groupStatsPeriod=9d", "start=then", "query=is:purple"] {
        let (status, answer) =
            platform.ask(Method::GET, &format!("/organizations/acme/issues/?{wrong}"), &json!(null))?;
        ensure!(status == 400 && answer["detail"].is_string(), "{wrong} was answered {status}: {answer}");
    }
    ensure!(platform.ask(Method::GET, "/organizations/acme/issues/?project=999", &json!(null))?.0 == 403);
    let named = platform.api("/organizations/acme/shortids/SHOP-2/")?;
    ensure!(named["group"]["title"] == "Gone: umbrella" && named["projectSlug"] == "shop", "{named:#}");

    let answer = put(&platform, "/organizations/acme/issues/?query=umbrella", &json!({"status": "resolved"}))?;
    ensure!(answer["status"] == "resolved", "{answer}");
    ensure!(titles(&platform.api("/organizations/acme/issues/")?) == ["Full: cart"]);
    Ok(())
}

fn assign(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    grace(&platform)?;
    platform.sql("insert into teams (organization_id, slug, name) select id, 'checkout', 'Checkout' from organizations where slug = 'acme'")?;
    let number = platform.sql("select id from users where email = 'grace@example.com'")?;

    let answer = issue.decide(&json!({"assignedTo": format!("user:{number}")}))?;
    ensure!(
        answer["assignedTo"]["email"] == "grace@example.com" && answer["assignedTo"]["type"] == "user",
        "{answer:#}"
    );
    ensure!(issue.activity()?[0] == "assigned");
    let told = platform.api(&format!("/issues/{}/participants/", issue.id))?;
    ensure!(told[0]["email"] == "grace@example.com", "who has it is told: {told}");
    let answer = issue.decide(&json!({"assignedTo": "#checkout"}))?;
    ensure!(answer["assignedTo"]["type"] == "team" && answer["assignedTo"]["name"] == "checkout", "{answer:#}");
    let answer = issue.decide(&json!({"assignedTo": {"type": "user", "id": number}}))?;
    ensure!(answer["assignedTo"]["id"] == number.as_str(), "{answer:#}");
    let answer = issue.decide(&json!({"assignedTo": null}))?;
    ensure!(answer["assignedTo"].is_null() && issue.activity()?[0] == "unassigned", "{answer:#}");
    let before = issue.activity()?.len();
    issue.decide(&json!({"assignedTo": ""}))?;
    ensure!(issue.activity()?.len() == before, "nothing changed, nothing is noted");
    let (status, answer) =
        platform.ask(Method::PUT, &format!("/issues/{}/", issue.id), &json!({"assignedTo": "stranger@example.com"}))?;
    ensure!(status == 400 && answer["assignedTo"].is_array(), "{status}: {answer}");
    Ok(())
}

fn marks(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    grace(&platform)?;
    let path = format!("/issues/{}/", issue.id);
    let answer = issue.decide(&json!({"isBookmarked": true, "hasSeen": true, "isPublic": true}))?;
    ensure!(
        answer["isBookmarked"] == true && answer["hasSeen"] == true && answer["isSubscribed"] == true,
        "{answer:#}"
    );
    ensure!(answer["subscriptionDetails"]["reason"] == "bookmark" && answer["isPublic"] == true, "{answer:#}");
    let share = answer["shareId"].as_str().context("it has a share id")?.to_owned();
    ensure!(answer["seenBy"][0]["email"] == ADMIN, "{}", answer["seenBy"]);

    let public = format!("{}/api/0/shared/issues/{share}/", platform.url);
    let read = platform.client.get(&public).send()?.text()?;
    ensure!(read.contains("Gone: umbrella") && read.contains("\"function\":\"add\""), "anybody may read {read}");
    ensure!(
        !read.contains("grace@example.com") && !read.contains("'umbrella'"),
        "but nothing of users and variables: {read}"
    );

    let (_, hers) = as_grace(&platform, Method::GET, &path, &json!(null))?;
    ensure!(hers["isBookmarked"] == false && hers["hasSeen"] == false && hers["isSubscribed"] == false, "{hers:#}");
    let (status, hers) = as_grace(&platform, Method::PUT, &path, &json!({"isSubscribed": false}))?;
    ensure!(status == 200 && hers["subscriptionDetails"] == json!({"disabled": true}), "{status}: {hers:#}");
    as_grace(&platform, Method::PUT, &path, &json!({"isBookmarked": true}))?;
    let (_, found) = as_grace(
        &platform,
        Method::GET,
        "/organizations/acme/issues/?query=bookmarks:me%20!subscribed:me",
        &json!(null),
    )?;
    ensure!(titles(&found) == ["Gone: umbrella"], "who does not want to be told is not: {found}");

    let answer = issue.decide(&json!({"isBookmarked": false, "hasSeen": false, "isPublic": true}))?;
    ensure!(answer["isBookmarked"] == false && answer["hasSeen"] == false, "{answer:#}");
    ensure!(answer["shareId"].as_str().is_some_and(|other| other != share), "the id is another each time");
    let answer = issue.decide(&json!({"isPublic": false}))?;
    ensure!(platform.client.get(&public).send()?.status() == 404, "the old id leads nowhere");
    ensure!(answer["shareId"].is_null() && issue.activity()?[0] == "set_private", "{answer:#}");
    Ok(())
}

fn comments(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    grace(&platform)?;
    let path = format!("/issues/{}/comments/", issue.id);
    let (status, made) = as_grace(&platform, Method::POST, &path, &json!({"text": "  **Look** at <b>this</b>  "}))?;
    ensure!(
        status == 201 && made["data"]["text"] == "**Look** at <b>this</b>" && made["type"] == "note",
        "{status}: {made}"
    );
    let comment = format!("{path}{}/", made["id"].as_str().context("it has an id")?);
    ensure!(issue.get()?["numComments"] == 1 && issue.activity()?[0] == "note");
    let (status, edited) = as_grace(&platform, Method::PUT, &comment, &json!({"text": "Never mind"}))?;
    ensure!(status == 200 && edited["data"]["text"] == "Never mind", "{status}: {edited}");
    for nothing in [json!({"text": "  "}), json!({})] {
        let (status, answer) = as_grace(&platform, Method::POST, &path, &nothing)?;
        ensure!(status == 400 && answer["text"].is_array(), "{nothing} was answered {status}: {answer}");
    }

    let (_, own) = platform.ask(Method::POST, &path, &json!({"text": "Mine"}))?;
    let own = format!("{path}{}/", own["id"].as_str().context("it has an id")?);
    ensure!(as_grace(&platform, Method::PUT, &own, &json!({"text": "Hers"}))?.0 == 403, "it is another's");
    ensure!(as_grace(&platform, Method::DELETE, &own, &json!(null))?.0 == 403, "it is another's");
    let listed = platform.api(&format!("/issues/{}/notes/", issue.id))?;
    ensure!(listed[0]["data"]["text"] == "Mine" && listed[1]["user"]["email"] == "grace@example.com", "{listed:#}");
    ensure!(as_grace(&platform, Method::DELETE, &comment, &json!(null))?.0 == 204);
    ensure!(as_grace(&platform, Method::DELETE, &comment, &json!(null))?.0 == 404);
    ensure!(issue.get()?["numComments"] == 1);
    Ok(())
}

fn tags(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    for region in ["eu", "us", "us"] {
        issue.happens_with(&json!({"tags": {"region": region}}))?;
    }
    let tags = platform.api(&format!("/issues/{}/tags/", issue.id))?;
    let region = tags.as_array().into_iter().flatten().find(|tag| tag["key"] == "region").context("region is a tag")?;
    ensure!(region["totalValues"] == 4 && region["uniqueValues"] == 2 && region["name"] == "Region", "{region:#}");
    ensure!(
        region["topValues"][0]["count"] == 2 && region["topValues"].as_array().is_some_and(|top| top.len() == 2),
        "{region:#}"
    );
    let environment = platform.api(&format!("/organizations/acme/issues/{}/tags/environment/", issue.id))?;
    ensure!(environment["topValues"][0]["value"] == "production", "{environment:#}");
    let users = platform.api(&format!("/issues/{}/tags/user/values/", issue.id))?;
    ensure!(
        users[0]["value"] == "id:42" && users[0]["email"] == "grace@example.com" && users[0]["count"] == 4,
        "{users:#}"
    );
    ensure!(platform.ask(Method::GET, &format!("/issues/{}/tags/nothing/", issue.id), &json!(null))?.0 == 404);

    let keys = platform.api("/projects/acme/shop/tags/")?;
    ensure!(
        keys.as_array().into_iter().flatten().any(|key| key["key"] == "region" && key["uniqueValues"] == 2),
        "{keys:#}"
    );
    let values = platform.api("/projects/acme/shop/tags/region/values/?query=u")?;
    ensure!(values[0]["value"] == "eu" || values[0]["value"] == "us", "{values:#}");
    ensure!(platform.api("/projects/acme/shop/tags/region/values/?query=us")?[0]["count"] == 2, "{values:#}");
    let keys = platform.api("/organizations/acme/tags/")?;
    ensure!(
        keys.as_array().into_iter().flatten().any(|key| key["key"] == "region" && key["totalValues"] == 2),
        "{keys:#}"
    );
    ensure!(platform.api("/organizations/acme/tags/region/values/?query=eu")?[0]["value"] == "eu");
    ensure!(platform.ask(Method::DELETE, "/projects/acme/shop/tags/region/", &json!(null))?.0 == 204);
    ensure!(platform.ask(Method::GET, "/projects/acme/shop/tags/region/", &json!(null))?.0 == 404);
    Ok(())
}

fn saved(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    platform.project("shop")?;
    grace(&platform)?;
    let listed = platform.api("/organizations/acme/searches/")?;
    ensure!(
        listed[0]["query"] == "is:unresolved" && listed[0]["isDefault"] == true && listed[0]["isGlobal"] == true,
        "{listed:#}"
    );

    let mine = json!({"name": "Mine", "query": "assigned:me", "sort": "new", "isUserDefault": true});
    let (status, made) = as_grace(&platform, Method::POST, "/projects/acme/shop/searches/", &mine)?;
    ensure!(
        status == 201 && made["isPrivate"] == true && made["isUserDefault"] == true && made["sort"] == "new",
        "{status}: {made}"
    );
    let path = format!("/projects/acme/shop/searches/{}/", made["id"].as_str().context("it has an id")?);
    ensure!(platform.ask(Method::GET, &path, &json!(null))?.0 == 404, "it is hers alone");
    let (status, answer) = as_grace(&platform, Method::POST, "/projects/acme/shop/searches/", &mine)?;
    ensure!(status == 400 && answer["name"].is_array(), "the name is taken: {status}: {answer}");
    let (status, answer) = as_grace(&platform, Method::PUT, &path, &json!({"query": "assigned:me is:unresolved"}))?;
    ensure!(
        status == 200 && answer["query"] == "assigned:me is:unresolved" && answer["name"] == "Mine",
        "{status}: {answer}"
    );
    let (status, answer) = as_grace(&platform, Method::PUT, &path, &json!({"query": "is:purple"}))?;
    ensure!(status == 400, "a query nobody understands is not saved: {status}: {answer}");

    let ours = json!({"name": "Ours", "query": "level:fatal", "visibility": "organization", "isDefault": true});
    ensure!(
        as_grace(&platform, Method::POST, "/organizations/acme/searches/", &ours)?.0 == 403,
        "she does not decide for all"
    );
    let (status, made) = platform.ask(Method::POST, "/organizations/acme/searches/", &ours)?;
    ensure!(status == 201 && made["isPrivate"] == false && made["isDefault"] == true, "{status}: {made}");
    let (_, listed) = as_grace(&platform, Method::GET, "/organizations/acme/searches/", &json!(null))?;
    let names: Vec<&str> = listed.as_array().into_iter().flatten().filter_map(|one| one["name"].as_str()).collect();
    ensure!(names.len() == 6 && names[5] == "Ours" && listed[0]["isDefault"] == false, "{listed:#}");
    let all = format!("/organizations/acme/searches/{}/", made["id"].as_str().context("it has an id")?);
    ensure!(as_grace(&platform, Method::DELETE, &all, &json!(null))?.0 == 403);
    ensure!(platform.ask(Method::DELETE, &all, &json!(null))?.0 == 204);
    ensure!(as_grace(&platform, Method::DELETE, &path, &json!(null))?.0 == 204);
    ensure!(as_grace(&platform, Method::GET, &path, &json!(null))?.0 == 404);
    Ok(())
}

fn undo(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    for (nth, kind) in ["Gone", "Refused", "Broken"].iter().enumerate() {
        platform.receives(&project, &error(kind, "x"))?;
        platform.stores(nth + 1)?;
    }
    let find = |query: &str| -> Result<Vec<String>> {
        let found = platform.api(&format!("/organizations/acme/issues/?sort=new&query={query}"))?;
        Ok(titles(&found).into_iter().map(str::to_owned).collect())
    };
    put(&platform, "/organizations/acme/issues/?query=Refused", &json!({"status": "ignored"}))?;
    let action = act(
        &platform,
        "/organizations/acme/issues/?query=",
        &json!({"status": "resolved", "assignedTo": ADMIN, "isBookmarked": true}),
    )?;
    ensure!(find("is:resolved%20assigned:me%20bookmarks:me")?.len() == 3);
    // What somebody changed again stays as it is.
    put(&platform, "/organizations/acme/issues/?query=Broken", &json!({"status": "ignored"}))?;

    grace(&platform)?;
    let path = format!("/organizations/acme/undo/{action}/");
    ensure!(as_grace(&platform, Method::POST, &path, &json!(null))?.0 == 404, "it was not her action");
    let (status, answer) = platform.ask(Method::POST, &path, &json!(null))?;
    ensure!(status == 200 && answer["restored"] == 3, "{status}: {answer}");
    ensure!(find("is:unresolved")? == ["Gone: x"], "unresolved are {:?}", find("is:unresolved")?);
    ensure!(find("is:ignored")? == ["Broken: x", "Refused: x"], "ignored are {:?}", find("is:ignored")?);
    ensure!(find("is:assigned%20OR%20bookmarks:me")?.is_empty());
    ensure!(platform.ask(Method::POST, &path, &json!(null))?.0 == 404, "once");
    Ok(())
}

fn undo_merge(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    issue.happens()?;
    issue.receives(&error("Refused", "card"))?;
    let action = act(&platform, "/projects/acme/shop/issues/?query=", &json!({"merge": 1}))?;
    ensure!(titles(&platform.api("/projects/acme/shop/issues/")?) == ["Refused: card"] || issue.get()?["count"] == "3");
    platform.wait_for_sql(&format!("select count(*) from events where issue_id = {}", issue.id), "3")?;
    let (status, answer) = platform.ask(Method::POST, &format!("/organizations/acme/undo/{action}/"), &json!(null))?;
    ensure!(status == 200 && answer["restored"] == 1, "{status}: {answer}");
    let issues = platform.api("/projects/acme/shop/issues/?sort=freq")?;
    ensure!(
        issues[0]["count"] == "2" && issues[1]["count"] == "1" && issues[1]["title"] == "Refused: card",
        "{issues:#}"
    );
    Ok(())
}

fn merged_people(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    issue.happens()?;
    issue.receives(&error("Refused", "card"))?;
    put(&platform, "/projects/acme/shop/issues/?query=Refused", &json!({"assignedTo": ADMIN, "isBookmarked": true}))?;
    put(&platform, "/projects/acme/shop/issues/?query=", &json!({"merge": 1}))?;
    let one = issue.get()?;
    ensure!(
        one["assignedTo"]["email"] == ADMIN && one["isBookmarked"] == true && one["isSubscribed"] == true,
        "{one:#}"
    );
    let found = platform.api("/projects/acme/shop/issues/?query=error.type:Refused%20error.type:Gone")?;
    ensure!(found.as_array().is_some_and(|found| found.len() == 1), "it is found by both errors: {found}");
    Ok(())
}

fn delete(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    issue.receives(&error("Refused", "card"))?;
    issue.decide(&json!({"assignedTo": ADMIN, "isBookmarked": true, "hasSeen": true, "isPublic": true}))?;
    ensure!(platform.ask(Method::DELETE, "/organizations/acme/issues/?query=title:Gone*", &json!(null))?.0 == 204);
    ensure!(titles(&platform.api("/organizations/acme/issues/?query=")?) == ["Refused: card"]);
    let left = "select (select count(*) from issue_assignees) + (select count(*) from issue_bookmarks)
                     + (select count(*) from issue_views) + (select count(*) from issue_shares)";
    ensure!(platform.sql(left)? == "0", "all that was the issue's is gone");
    ensure!(
        platform.ask(Method::DELETE, "/organizations/acme/issues/", &json!(null))?.0 == 400,
        "all are not meant by nothing"
    );
    Ok(())
}
