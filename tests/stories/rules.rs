//! Rules: each condition and filter fires when it should and not otherwise; the preview says the same of what was before.

use anyhow::{Context, Result, ensure};
use harness::far_end::{FarEnd, Place};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Story,
    channels::{SECRET, add, platform as with_far_end},
    platform::{ADMIN, Platform, Project, SOON, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "every_condition_and_filter_of_a_rule_fires_when_it_should", run: every_term_fires },
    Story { name: "a_rule_of_several_terms_fires_when_all_any_or_none_of_them_hold", run: several_terms },
    Story { name: "a_rule_looks_at_what_is_known_of_the_issue", run: what_is_known_of_the_issue },
    Story { name: "a_rule_of_an_environment_hears_only_of_that", run: an_environments_rule },
    Story { name: "a_rules_preview_agrees_with_what_happens_when_the_same_comes_again", run: a_preview_agrees },
    Story { name: "rules_are_kept_over_sentrys_api", run: rules_over_the_api },
    Story { name: "a_muted_rule_is_silent_and_a_tried_one_is_heard_at_once", run: muted_and_tried },
    Story { name: "a_reader_unsubscribes_with_one_click_and_without_signing_in", run: unsubscribing },
];

pub fn condition(name: &str, parameters: &Value) -> Value {
    let mut json = parameters.clone();
    json["id"] = json!(format!("sentry.rules.conditions.story.{name}"));
    json
}

/// Adds a rule that tells a webhook of the shop.
pub fn rule(platform: &Platform, name: &str, channel: &str, changes: &Value) -> Result<String> {
    let mut rule = json!({
        "name": name, "actionMatch": "all", "frequency": 0, "conditions": [condition("EveryEventCondition", &json!({}))],
        "actions": [{"id": "picket.actions.NotifyChannelAction", "channel": channel}],
    });
    for (field, value) in changes.as_object().into_iter().flatten() {
        rule[field] = value.clone();
    }
    let (status, answer) = platform.ask(Method::POST, "/projects/acme/shop/rules/", &rule)?;
    ensure!(status == 200, "{name} was answered {status}: {answer}");
    Ok(answer["id"].as_str().context("a rule has a number")?.to_owned())
}

/// A webhook of the shop, by its name at the far end.
pub fn webhook(platform: &Platform, far_end: &FarEnd, name: &str) -> Result<String> {
    far_end.open(name, Place { secret: Some(SECRET), ..Place::default() });
    add(platform, "webhook", &json!({"url": far_end.url(&format!("/hook/{name}")), "secret": SECRET}))
}

/// Waits until everything that is to be told is.
pub fn all_told(platform: &Platform) -> Result<()> {
    platform.wait_for_sql("select count(*) from deliveries where due_at is not null and user_id = 0", "0")
}

/// Titles that a place was told of, sorted.
fn titles(far_end: &FarEnd, place: &str) -> Vec<String> {
    let title = |body: &Value| body["title"].as_str().unwrap_or_default().to_owned();
    let mut titles: Vec<String> = far_end.told(place).iter().map(|told| title(&told.body)).collect();
    titles.sort();
    titles
}

/// Each term, and the titles of the events about which a rule of it alone tells.
fn terms() -> [(&'static str, Value, &'static [&'static str]); 10] {
    [
        (
            "every",
            condition("EveryEventCondition", &json!({})),
            &["Gone: hat", "Gone: hat", "Gone: umbrella", "Refused: card"],
        ),
        ("first", condition("FirstSeenEventCondition", &json!({})), &["Gone: hat", "Refused: card"]),
        ("fatal", condition("LevelCondition", &json!({"level": "50", "match": "gte"})), &["Refused: card"]),
        (
            "mild",
            condition("LevelFilter", &json!({"level": "40", "match": "lte"})),
            &["Gone: hat", "Gone: hat", "Gone: umbrella"],
        ),
        (
            "region",
            condition("TaggedEventCondition", &json!({"key": "region", "match": "ne", "value": "eu"})),
            &["Refused: card"],
        ),
        (
            "value",
            condition(
                "EventAttributeCondition",
                &json!({"attribute": "exception.value", "match": "co", "value": "UMB"}),
            ),
            &["Gone: umbrella"],
        ),
        (
            "module",
            condition("EventAttributeFilter", &json!({"attribute": "stacktrace.module", "match": "is"})),
            &["Gone: hat", "Gone: hat", "Gone: umbrella", "Refused: card"],
        ),
        ("nobody", condition("EventAttributeFilter", &json!({"attribute": "user.username", "match": "is"})), &[]),
        (
            "twice",
            condition("EventFrequencyCondition", &json!({"value": 1, "interval": "1h"})),
            &["Gone: hat", "Gone: umbrella"],
        ),
        (
            "users",
            condition("EventUniqueUserFrequencyCondition", &json!({"value": 1, "interval": "1h"})),
            &["Gone: umbrella"],
        ),
    ]
}

/// Two hats, a card and an umbrella of somebody else's, one after the other.
fn four_events_come(platform: &Platform, shop: &Project) -> Result<()> {
    let mut refused = error("Refused", "card");
    refused["level"] = json!("fatal");
    refused["tags"]["region"] = json!("us");
    let mut other = error("Gone", "umbrella");
    other["user"] = json!({"id": "43"});
    for (nth, event) in [error("Gone", "hat"), error("Gone", "hat"), refused, other].into_iter().enumerate() {
        platform.receives(shop, &event)?;
        platform.stores(nth + 1)?;
        // An issue is called what its latest event is.
        all_told(platform)?;
    }
    Ok(())
}

fn every_term_fires(world: &World) -> Result<()> {
    let (platform, far_end) = with_far_end(world)?;
    let shop = platform.project("shop")?;
    for (name, term, _) in &terms() {
        let channel = webhook(&platform, &far_end, name)?;
        rule(&platform, name, &channel, &json!({"conditions": [term]}))?;
    }
    four_events_come(&platform, &shop)?;
    for (name, _, expected) in terms() {
        ensure!(titles(&far_end, name) == expected, "{name} heard of {:?}", titles(&far_end, name));
    }
    Ok(())
}

fn several_terms(world: &World) -> Result<()> {
    let (platform, far_end) = with_far_end(world)?;
    let shop = platform.project("shop")?;
    let both = webhook(&platform, &far_end, "both")?;
    let filters = json!([
        condition("LevelFilter", &json!({"level": "50", "match": "eq"})),
        condition("FirstSeenEventCondition", &json!({}))
    ]);
    rule(&platform, "both", &both, &json!({"filters": filters, "filterMatch": "none"}))?;
    let either = webhook(&platform, &far_end, "either")?;
    let conditions = json!([
        condition("FirstSeenEventCondition", &json!({})),
        condition(
            "EventAttributeCondition",
            &json!({"attribute": "exception.value", "match": "eq", "value": "umbrella"})
        )
    ]);
    rule(&platform, "either", &either, &json!({"conditions": conditions, "actionMatch": "any"}))?;
    four_events_come(&platform, &shop)?;
    ensure!(
        titles(&far_end, "both") == ["Gone: hat", "Gone: umbrella"],
        "both heard of {:?}",
        titles(&far_end, "both")
    );
    ensure!(
        titles(&far_end, "either") == ["Gone: hat", "Gone: umbrella", "Refused: card"],
        "either heard of {:?}",
        titles(&far_end, "either")
    );
    Ok(())
}

fn what_is_known_of_the_issue(world: &World) -> Result<()> {
    let (platform, far_end) = with_far_end(world)?;
    let shop = platform.project("shop")?;
    let age = |kind: &str, value: i64| {
        condition("AgeComparisonFilter", &json!({"comparison_type": kind, "value": value, "time": "hour"}))
    };
    let admin = platform.sql("select id from users")?;
    let (status, team) = platform.ask(Method::POST, "/organizations/acme/teams/", &json!({"slug": "checkout"}))?;
    ensure!(status == 201, "the team was answered {status}: {team}");
    let team = team["id"].as_str().context("a team has a number")?;
    let assigned =
        |kind: &str, id: &str| condition("AssignedToFilter", &json!({"targetType": kind, "targetIdentifier": id}));
    let table = [
        ("old", age("older", 2), 2),
        ("young", age("newer", 2), 3),
        ("third", condition("IssueOccurrencesFilter", &json!({"value": 3})), 3),
        ("unassigned", condition("AssignedToFilter", &json!({"targetType": "Unassigned"})), 3),
        ("assigned", assigned("Member", &admin), 1),
        ("team", assigned("Team", team), 1),
        ("stranger", assigned("Member", "999"), 0),
        ("latest", condition("LatestReleaseFilter", &json!({})), 3),
        ("regression", condition("RegressionEventCondition", &json!({})), 1),
        ("reappeared", condition("ReappearedEventCondition", &json!({})), 1),
    ];
    for (name, term, _) in &table {
        let channel = webhook(&platform, &far_end, name)?;
        rule(&platform, name, &channel, &json!({"filters": [term]}))?;
    }
    let happens = |release: &str| -> Result<()> {
        let mut event = error("Gone", "umbrella");
        event["release"] = json!(release);
        platform.receives(&shop, &event)?;
        platform.empties_its_queue()
    };
    let decide = |decision: Value| -> Result<()> {
        let issue = platform.only_issue(&shop)?;
        let path = format!("/issues/{}/", issue["id"].as_str().unwrap_or_default());
        let (status, answer) = platform.ask(Method::PUT, &path, &decision)?;
        ensure!(status == 200, "the decision was answered {status}: {answer}");
        Ok(())
    };
    happens("shop@2.0")?;
    platform.stores(1)?;
    decide(json!({"status": "resolved"}))?;
    happens("shop@2.0")?;
    platform.stores(2)?;
    decide(json!({"status": "ignored", "statusDetails": {"ignoreCount": 1}}))?;
    happens("shop@2.0")?;
    platform.stores(3)?;
    platform.sql("update issues set first_seen = now() - interval '5 hours'")?;
    for (nth, to) in [ADMIN.to_owned(), format!("team:{team}")].into_iter().enumerate() {
        decide(json!({"assignedTo": to}))?;
        happens("shop@1.0")?;
        platform.stores(4 + nth)?;
    }
    all_told(&platform)?;
    for (name, _, expected) in table {
        // A webhook also hears of the end of what it heard of, if that lasts.
        let heard = far_end.told(name).iter().filter(|told| told.body["type"] != "issue.resolved").count();
        ensure!(heard == expected, "{name} heard {heard} times, not {expected}");
    }
    Ok(())
}

fn an_environments_rule(world: &World) -> Result<()> {
    let (platform, far_end) = with_far_end(world)?;
    let shop = platform.project("shop")?;
    for (name, term) in [("every", "EveryEventCondition"), ("first", "FirstSeenEventCondition")] {
        let channel = webhook(&platform, &far_end, name)?;
        let changes = json!({"environment": "production", "conditions": [condition(term, &json!({}))]});
        rule(&platform, name, &channel, &changes)?;
    }
    for environment in ["staging", "production", "staging", "production"] {
        let mut event = error("Gone", "umbrella");
        event["environment"] = json!(environment);
        platform.receives(&shop, &event)?;
        platform.empties_its_queue()?;
    }
    platform.stores(4)?;
    all_told(&platform)?;
    let heard = |name: &str| far_end.told(name).iter().map(|told| told.body["environment"].clone()).collect::<Vec<_>>();
    ensure!(heard("every") == ["production", "production"], "every heard of {:?}", heard("every"));
    ensure!(heard("first") == ["production"], "of an issue that was new there: {:?}", heard("first"));
    Ok(())
}

fn a_preview_agrees(world: &World) -> Result<()> {
    let (platform, far_end) = with_far_end(world)?;
    let shop = platform.project("shop")?;
    let mut events = Vec::new();
    for nth in 0..40 {
        let mut event = error(["Gone", "Refused", "Late"][nth % 3], ["hat", "coat"][nth % 2]);
        event["user"] = json!({"id": (nth % 5).to_string()});
        event["level"] = json!(if nth % 4 == 0 { "fatal" } else { "error" });
        event["release"] = json!(format!("shop@1.{}", nth % 2));
        events.push(event);
    }
    for event in &events {
        platform.receives(&shop, event)?;
    }
    platform.stores(events.len())?;
    let terms = [
        json!({"conditions": [condition("FirstSeenEventCondition", &json!({}))]}),
        json!({"conditions": [condition("EventFrequencyCondition", &json!({"value": 5, "interval": "1h"}))]}),
        json!({"conditions": [condition("EventUniqueUserFrequencyCondition", &json!({"value": 2, "interval": "1d"}))]}),
        json!({"conditions": [condition("LevelCondition", &json!({"level": "50", "match": "eq"}))]}),
        json!({"conditions": [condition("EveryEventCondition", &json!({}))], "filters": [condition("LatestReleaseFilter", &json!({}))]}),
        json!({"conditions": [condition("EveryEventCondition", &json!({}))], "filters": [condition("IssueOccurrencesFilter", &json!({"value": 9}))]}),
        json!({"conditions": [condition("EventAttributeCondition", &json!({"attribute": "exception.value", "match": "sw", "value": "co"}))], "frequency": 60}),
    ];
    let mut previews = Vec::new();
    for (nth, term) in terms.iter().enumerate() {
        let mut rule = term.clone();
        rule["frequency"] = rule.get("frequency").cloned().unwrap_or(json!(0));
        let (status, preview) = platform.ask(Method::POST, "/projects/acme/shop/rules/preview/", &rule)?;
        ensure!(status == 200 && preview["events"] == 40, "the preview was answered {status}: {preview}");
        let times = preview["times"].as_u64().context("a number")?;
        ensure!(times > 0 && (nth == 0 || times < 40), "a preview that says something: {preview}");
        previews.push(times);
    }
    platform.sql("delete from events; delete from issues; delete from issue_hashes; delete from issue_tags; delete from issue_tag_keys; delete from releases; delete from issue_users; delete from issue_hours")?;
    let mut channels = Vec::new();
    for (nth, term) in terms.iter().enumerate() {
        let name = format!("rule{nth}");
        let channel = webhook(&platform, &far_end, &name)?;
        rule(&platform, &name, &channel, term)?;
        channels.push(name);
    }
    // The rules that a worker knows are up to five seconds old: one that knows them is begun.
    platform.worker.stop();
    let _worker = platform.one_more("worker", &[])?;
    for event in &mut events {
        event["event_id"] = json!(uuid::Uuid::new_v4().simple().to_string());
        platform.receives(&shop, event)?;
    }
    platform.stores(events.len())?;
    let told = "select count(*) from deliveries where user_id = 0";
    let expected: u64 = previews.iter().sum();
    platform.wait_for_sql(told, &expected.to_string())?;
    for (nth, expected) in previews.iter().enumerate() {
        let told = platform.sql(&format!("select count(*) from deliveries d join channels c on c.id = d.channel_id where c.config->>'url' like '%/rule{nth}'"))?;
        ensure!(told == expected.to_string(), "rule {nth} told {told} times, its preview said {expected}");
    }
    Ok(())
}

fn rules_over_the_api(world: &World) -> Result<()> {
    let (platform, far_end) = with_far_end(world)?;
    platform.project("shop")?;
    let rules = "/projects/acme/shop/rules/";
    let usual = platform.api(rules)?;
    ensure!(usual.as_array().is_some_and(|rules| rules.len() == 1), "a new project has a rule: {usual:#}");
    ensure!(usual[0]["actionMatch"] == "any" && usual[0]["frequency"] == 0, "it is {:#}", usual[0]);
    ensure!(usual[0]["conditions"][0]["name"] == "A new issue is seen for the first time", "it reads {:#}", usual[0]);

    let channel = webhook(&platform, &far_end, "own")?;
    let sent = json!({
        "name": "Many", "actionMatch": "all", "filterMatch": "any", "frequency": 60, "environment": "production", "owner": null,
        "conditions": [{"id": "sentry.rules.conditions.event_frequency.EventFrequencyCondition", "value": 100, "interval": "1h", "comparisonType": "count"}],
        "filters": [{"id": "sentry.rules.filters.level.LevelFilter", "level": "40", "match": "gte"}],
        "actions": [{"id": "sentry.mail.actions.NotifyEmailAction", "targetType": "IssueOwners", "targetIdentifier": "", "fallthroughType": "AllMembers"},
                    {"id": "picket.actions.NotifyChannelAction", "channel": channel}],
    });
    let (status, made) = platform.ask(Method::POST, rules, &sent)?;
    ensure!(
        status == 200 && made["projects"] == json!(["shop"]) && made["status"] == "active",
        "answered {status}: {made:#}"
    );
    let path = format!("{rules}{}/", made["id"].as_str().unwrap_or_default());
    let read = platform.api(&path)?;
    for field in ["name", "actionMatch", "filterMatch", "frequency", "environment", "owner"] {
        ensure!(read[field] == sent[field], "{field} came back as {}", read[field]);
    }
    for list in ["conditions", "filters", "actions"] {
        for (nth, entry) in sent[list].as_array().into_iter().flatten().enumerate() {
            for (field, value) in entry.as_object().into_iter().flatten() {
                ensure!(
                    read[list][nth][field] == *value,
                    "{list} {nth} {field} came back as {}",
                    read[list][nth][field]
                );
            }
        }
    }
    let mut changed = read.clone();
    changed["name"] = json!("More");
    let (status, answer) = platform.ask(Method::PUT, &path, &changed)?;
    ensure!(
        status == 200 && answer["name"] == "More" && answer["conditions"] == read["conditions"],
        "answered {status}: {answer}"
    );
    for (changes, field) in [
        (json!({"conditions": []}), "conditions"),
        (json!({"conditions": [{"id": "what"}]}), "conditions"),
        (json!({"actions": [{"id": "picket.actions.NotifyChannelAction", "channel": 999_999}]}), "actions"),
        (json!({"frequency": 1_000_000}), "frequency"),
    ] {
        let (status, answer) = platform.ask(Method::PUT, &path, &changes)?;
        ensure!(status == 400 && answer[field].is_array(), "{changes} was answered {status}: {answer}");
    }
    let (status, _) = platform.ask(Method::DELETE, &path, &json!({}))?;
    ensure!(status == 202, "deleting was answered {status}");
    let (status, _) = platform.ask(Method::GET, &path, &json!({}))?;
    ensure!(status == 404, "it is gone: {status}");
    Ok(())
}

fn muted_and_tried(world: &World) -> Result<()> {
    let (platform, far_end) = with_far_end(world)?;
    let shop = platform.project("shop")?;
    let (loud, quiet) = (webhook(&platform, &far_end, "loud")?, webhook(&platform, &far_end, "quiet")?);
    rule(&platform, "loud", &loud, &json!({}))?;
    let muted = rule(&platform, "quiet", &quiet, &json!({}))?;
    let path = format!("/projects/acme/shop/rules/{muted}/");
    let (status, answer) = platform.ask(Method::POST, &format!("{path}snooze/"), &json!({"target": "everyone"}))?;
    ensure!(status == 201 && platform.api(&path)?["snooze"] == true, "muting was answered {status}: {answer}");
    platform.receives(&shop, &error("Gone", "umbrella"))?;
    far_end.wait_for_told("loud", 1)?;
    ensure!(
        platform.sql(&format!("select count(*) from deliveries where rule_id = {muted}"))? == "0",
        "the muted rule is silent"
    );

    let (status, tried) = platform.ask(Method::POST, &format!("{path}test/"), &json!({}))?;
    ensure!(
        status == 200 && tried == json!([{"to": "The webhook", "kind": "webhook", "sent": true}]),
        "trying was answered {status}: {tried}"
    );
    ensure!(far_end.told("quiet")[0].body["type"] == "issue.test", "it says that it is a test");
    let (status, _) = platform.ask(Method::DELETE, &format!("{path}snooze/"), &json!({}))?;
    ensure!(status == 204 && platform.api(&path)?["snooze"] == false, "waking was answered {status}");
    platform.worker.stop();
    let _worker = platform.one_more("worker", &[])?;
    platform.receives(&shop, &error("Gone", "umbrella"))?;
    far_end.wait_for_told("quiet", 2)?;
    let history = platform.api(&format!("{path}history/"))?;
    ensure!(history[0]["state"] == "told" && history[0]["to"] == "The webhook", "its history is {history:#}");
    Ok(())
}

fn unsubscribing(world: &World) -> Result<()> {
    let platform = Platform::start_with_mail(world)?;
    let shop = platform.project("shop")?;
    let Some(smtp) = &platform.smtp else { unreachable!("the story started with mail") };
    platform.receives(&shop, &error("Gone", "umbrella"))?;
    let mail = smtp.wait_for_mail(|mail| mail.subject.contains("Gone"), SOON)?;
    let header = |name: &str| {
        let unfolded = mail.raw.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ");
        unfolded.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned))
    };
    ensure!(header("List-Unsubscribe-Post").as_deref() == Some("List-Unsubscribe=One-Click"), "{}", mail.raw);
    ensure!(header("List-Id").is_some_and(|id| id == "shop <shop.acme.example.com>"), "{}", mail.raw);
    let url = header("List-Unsubscribe").context("a link")?;
    let url = url.trim_matches(['<', '>']);
    ensure!(mail.text.contains(url), "the reader sees the link too");
    let stranger = reqwest::blocking::Client::new();
    let asked = stranger.get(url).send()?;
    ensure!(asked.status() == 200 && asked.text()?.contains("Send me no more"), "a person is asked before");
    ensure!(stranger.post(url.replace("/1/", "/2/")).send()?.status() == 404, "only the reader's own");
    let form = [("List-Unsubscribe", "One-Click")];
    ensure!(stranger.post(url).form(&form).send()?.status() == 200, "one click");
    platform.receives(&shop, &error("Refused", "card"))?;
    platform.stores(2)?;
    let told = format!("select count(*) from deliveries d join users u on u.id = d.user_id where u.email = '{ADMIN}'");
    ensure!(platform.sql(&told)? == "1", "nothing more is to be told");
    Ok(())
}
