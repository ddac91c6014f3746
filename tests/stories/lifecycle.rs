//! What becomes of an issue that people have decided about, over the Web API.

use anyhow::{Context, Result, ensure};
use chrono::TimeDelta;
use harness::net::wait_for;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Story,
    platform::{Platform, Project, SOON, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "a_resolved_issue_that_happens_again_is_a_regression", run: regression },
    Story { name: "resolved_in_the_next_release_it_comes_back_with_a_newer_one_only", run: next_release },
    Story { name: "resolved_in_a_release_it_comes_back_with_that_or_a_newer_one", run: in_a_release },
    Story { name: "resolved_in_a_commit_it_waits_for_its_release", run: in_a_commit },
    Story { name: "an_ignored_issue_comes_back_when_it_exceeds_its_count", run: until_count },
    Story { name: "an_ignored_issue_comes_back_when_it_hurts_enough_users", run: until_users },
    Story { name: "an_ignored_issue_comes_back_when_it_happens_too_often", run: until_rate },
    Story { name: "an_ignored_issue_comes_back_when_its_time_has_come", run: until_time },
    Story { name: "late_events_move_the_beginning_and_break_nothing", run: late_events },
    Story { name: "a_clock_that_is_a_year_off_does_not_date_an_issue", run: clock_a_year_off },
    Story { name: "an_event_delivered_again_after_midnight_counts_and_breaks_nothing", run: duplicate_after_midnight },
    Story { name: "events_of_a_deleted_project_are_dropped_and_counted", run: deleted_project },
    Story { name: "two_workers_agree_on_the_event_that_brings_an_issue_back", run: two_workers },
    Story { name: "an_issue_that_is_silent_for_long_enough_is_resolved", run: resolved_by_age },
    Story { name: "a_decision_that_makes_no_sense_is_refused_in_words", run: nonsense_is_refused },
];

/// An issue of a story, and its project.
pub struct Watched<'p> {
    pub platform: &'p Platform<'p>,
    pub project: Project,
    pub id: String,
    sent: std::cell::Cell<usize>,
}

impl<'p> Watched<'p> {
    /// Begins with one event.
    pub fn begin(platform: &'p Platform<'p>) -> Result<Watched<'p>> {
        let project = platform.project("shop")?;
        platform.receives(&project, &error("Gone", "umbrella"))?;
        let issue = platform.only_issue(&project)?;
        let id = issue["id"].as_str().context("an issue has an id")?.to_owned();
        Ok(Watched { platform, project, id, sent: 1.into() })
    }

    /// Sends an event and waits until it is stored.
    pub fn receives(&self, event: &Value) -> Result<()> {
        self.platform.receives(&self.project, event)?;
        self.sent.set(self.sent.get() + 1);
        self.platform.stores(self.sent.get())
    }

    /// It happens once more.
    pub fn happens(&self) -> Result<()> {
        self.receives(&error("Gone", "umbrella"))
    }

    /// It happens once more, with some fields of the event set.
    pub fn happens_with(&self, fields: &Value) -> Result<()> {
        let mut event = error("Gone", "umbrella");
        for (name, value) in fields.as_object().into_iter().flatten() {
            event[name] = value.clone();
        }
        self.receives(&event)
    }

    /// Decides something about it.
    pub fn decide(&self, wanted: &Value) -> Result<Value> {
        let (status, answer) = self.platform.ask(Method::PUT, &format!("/issues/{}/", self.id), wanted)?;
        ensure!(status == 200, "{wanted} was answered {status}: {answer}");
        Ok(answer)
    }

    pub fn get(&self) -> Result<Value> {
        self.platform.api(&format!("/issues/{}/", self.id))
    }

    pub fn is(&self, status: &str) -> Result<()> {
        let issue = self.get()?;
        ensure!(issue["status"] == status, "it is not {status}: {issue:#}");
        Ok(())
    }

    /// What happened to it, the last thing first.
    pub fn activity(&self) -> Result<Vec<String>> {
        let activity = self.platform.api(&format!("/issues/{}/activities/", self.id))?;
        let kinds = activity["activity"].as_array().into_iter().flatten();
        Ok(kinds.filter_map(|one| Some(one["type"].as_str()?.to_owned())).collect())
    }
}

fn ago(time: TimeDelta) -> Value {
    json!((picket_platform::app::now() - time).to_rfc3339())
}

fn regression(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    let answer = issue.decide(&json!({"status": "resolved"}))?;
    ensure!(answer["status"] == "resolved" && answer["shortId"] == "SHOP-1", "answered {answer:#}");
    ensure!(platform.api("/projects/acme/shop/issues/")? == json!([]), "a resolved issue is not in the list");
    issue.happens()?;
    issue.is("unresolved")?;
    ensure!(issue.activity()? == ["set_regression", "set_resolved"], "what happened: {:?}", issue.activity()?);
    ensure!(platform.sql("select count(*) from events where effect = 2")? == "1", "one event did it");
    issue.happens()?;
    ensure!(issue.activity()?.len() == 2, "an open issue stays open");
    Ok(())
}

fn next_release(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    let answer = issue.decide(&json!({"status": "resolved", "statusDetails": {"inNextRelease": true}}))?;
    ensure!(answer["statusDetails"]["inNextRelease"] == true, "answered {answer:#}");
    for release in [json!("shop@1.2.3"), json!("shop@1.2.3-rc.1"), json!("shop@1.0"), Value::Null] {
        issue.happens_with(&json!({"release": release}))?;
        issue.is("resolved").with_context(|| format!("after {release}"))?;
    }
    issue.happens_with(&json!({"release": "shop@1.10.0"}))?;
    issue.is("unresolved")?;
    ensure!(issue.activity()?[0] == "set_regression", "what happened: {:?}", issue.activity()?);
    Ok(())
}

fn in_a_release(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    issue.happens_with(&json!({"release": "shop@1.3.0"}))?;
    let details = json!({"status": "resolved", "statusDetails": {"inRelease": "latest"}});
    let answer = issue.decide(&details)?;
    ensure!(answer["statusDetails"]["inRelease"] == "shop@1.3.0", "answered {answer:#}");
    issue.happens_with(&json!({"release": "shop@1.2.9"}))?;
    issue.is("resolved")?;
    issue.happens_with(&json!({"release": "shop@1.3.0"}))?;
    issue.is("unresolved")?;
    issue.decide(&details)?;
    issue.happens_with(&json!({"release": "shop@2.0"}))?;
    issue.is("unresolved")
}

fn in_a_commit(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    let commit = json!({"commit": "f00ba4", "repository": "acme/shop"});
    let answer = issue.decide(&json!({"status": "resolved", "statusDetails": {"inCommit": commit}}))?;
    ensure!(answer["statusDetails"]["inCommit"] == commit, "answered {answer:#}");
    issue.happens_with(&json!({"release": "shop@9.0"}))?;
    issue.is("resolved")?;
    ensure!(issue.activity()? == ["set_resolved_in_commit"]);
    Ok(())
}

fn until_count(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    let answer = issue.decide(&json!({"status": "ignored", "statusDetails": {"ignoreCount": 2}}))?;
    ensure!(answer["statusDetails"] == json!({"ignoreCount": 2}), "answered {answer:#}");
    issue.happens()?;
    issue.is("ignored")?;
    issue.happens()?;
    issue.is("unresolved")?;
    ensure!(issue.activity()? == ["set_unresolved", "set_ignored"]);
    ensure!(platform.sql("select count(*) from events where effect = 3")? == "1", "one event did it");

    issue.decide(&json!({"status": "ignored"}))?;
    for _ in 0..3 {
        issue.happens()?;
    }
    issue.is("ignored")
}

fn until_users(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    issue.decide(&json!({"status": "ignored", "statusDetails": {"ignoreUserCount": 2, "ignoreUserWindow": 60}}))?;
    for _ in 0..3 {
        issue.happens()?;
        issue.is("ignored")?;
    }
    issue.happens_with(&json!({"user": null}))?;
    issue.is("ignored")?;
    issue.happens_with(&json!({"user": {"id": "43"}}))?;
    issue.is("unresolved")?;

    // Of many users not every one is known, but how many there are.
    issue.decide(&json!({"status": "ignored", "statusDetails": {"ignoreUserCount": 2_000}}))?;
    let kept = platform.sql("select decision #>> '{ignored,users_before}' from issues")?;
    ensure!(kept == "2", "two users were hurt before, not {kept}");
    issue.happens_with(&json!({"user": {"id": "44"}}))?;
    issue.is("ignored")
}

fn until_rate(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    issue.decide(&json!({"status": "ignored", "statusDetails": {"ignoreCount": 2, "ignoreWindow": 60}}))?;
    // The decision was a day ago, so that there is time for events before the last hour.
    platform
        .sql("update issues set decision = jsonb_set(decision, '{ignored,at}', to_jsonb(now() - interval '1 day'))")?;
    for hours in [5, 4, 3] {
        issue.happens_with(&json!({"timestamp": ago(TimeDelta::hours(hours))}))?;
        issue.is("ignored")?;
    }
    // The event that the story began with was in this hour too.
    issue.happens()?;
    issue.is("unresolved")
}

fn until_time(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    let for_an_hour = json!({"status": "ignored", "statusDetails": {"ignoreDuration": 60}});
    issue.decide(&for_an_hour)?;
    issue.happens()?;
    issue.is("ignored")?;
    platform.sql("update issues set decision = jsonb_set(decision, '{ignored,until}', to_jsonb(now()))")?;
    issue.happens()?;
    issue.is("unresolved")?;

    // Without any event cron does it.
    issue.decide(&for_an_hour)?;
    platform.sql("update issue_snoozes set until = now()")?;
    let _cron = platform.one_more("cron", &[])?;
    wait_for("the issue to be open", SOON, || issue.is("unresolved").is_ok())?;
    ensure!(platform.sql("select count(*) from issue_snoozes")? == "0");
    Ok(())
}

fn late_events(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    let before = issue.get()?;
    issue.decide(&json!({"status": "resolved"}))?;
    let mut late = error("Gone", "hat");
    late["timestamp"] = ago(TimeDelta::hours(2));
    issue.receives(&late)?;
    let after = issue.get()?;
    ensure!(after["status"] == "resolved" && after["count"] == "2", "a late event broke something: {after:#}");
    ensure!(after["firstSeen"].as_str() < before["firstSeen"].as_str(), "it began earlier: {after:#}");
    ensure!(after["lastSeen"] == before["lastSeen"] && after["title"] == before["title"], "it is not new: {after:#}");
    Ok(())
}

fn clock_a_year_off(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    for off in [TimeDelta::days(365), TimeDelta::days(-365)] {
        issue.happens_with(&json!({"timestamp": ago(off)}))?;
    }
    let dated =
        "select max(last_seen) < now() + interval '5 minutes', min(first_seen) > now() - interval '1 day' from issues";
    ensure!(
        platform.sql(dated)? == "t|t",
        "the issue was seen {}",
        platform.sql("select first_seen, last_seen from issues")?
    );
    ensure!(issue.get()?["count"] == "3");
    Ok(())
}

fn duplicate_after_midnight(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let event = error("Gone", "umbrella");
    platform.receives(&project, &event)?;
    platform.stores(1)?;
    // It was received just before midnight, in another partition.
    platform.sql(
        "select make_event_partition(current_date - 1);
         update events set received_on = received_on - 1, received_at = received_at - interval '1 day'",
    )?;
    platform.sql("update issues set status = 1")?;
    platform.receives(&project, &event)?;
    platform.receives(&project, &error("Refused", "card"))?;
    platform.wait_for_sql("select count(*) from issues where title like 'Refused%'", "1")?;
    let told = platform.sql("select status, times_seen from issues where title like 'Gone%'")?;
    ensure!(told == "1|1", "status and count are {told}");
    Ok(())
}

fn deleted_project(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let gone = platform.project("gone")?;
    let stays = platform.project("stays")?;
    platform.worker.kill_now();
    platform.receives(&gone, &error("Gone", "umbrella"))?;
    let session = format!("{{}}\n{{\"type\":\"session\"}}\n{}\n", json!({"init": true, "attrs": {"release": "1.0"}}));
    let url = format!("{}/api/{}/envelope/?sentry_key={}", platform.url, gone.id, gone.key);
    ensure!(platform.client.post(url).body(session).send()?.status() == 200, "the session is taken");
    platform.receives(&stays, &error("Gone", "umbrella"))?;
    let (status, answer) = platform.ask(Method::DELETE, "/projects/acme/gone/", &json!({}))?;
    ensure!(status == 204, "deleting was answered {status}: {answer}");
    platform.worker.restart()?;
    platform.only_issue(&stays)?;
    ensure!(platform.sql("select count(*), count(distinct project_id) from events")? == "1|1");
    ensure!(platform.ask(Method::GET, "/projects/acme/gone/", &json!({}))?.0 == 404);
    let said = platform.sql("select count(*) from rejected_events")?;
    ensure!(said == "0", "what belongs to nobody is not kept");
    let counted =
        format!("select concat_ws(' ', outcome, reason, quantity) from outcomes where project_id = {}", gone.id);
    platform.wait_for_sql(&format!("{counted} and category = 'error'"), "3 project_id 1")?;
    platform.wait_for_sql(&format!("{counted} and category = 'session'"), "3 project_id 1")?;
    ensure!(platform.sql("select count(*) from items")? == "0", "nor is the rest");
    Ok(())
}

fn two_workers(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    let _second = platform.one_more("worker", &[])?;
    issue.decide(&json!({"status": "ignored", "statusDetails": {"ignoreCount": 50}}))?;
    std::thread::scope(|scope| -> Result<()> {
        let senders: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    (0..40).try_for_each(|n| {
                        platform.receives(&issue.project, &error("Gone", &format!("item {n}"))).map(drop)
                    })
                })
            })
            .collect();
        senders.into_iter().try_for_each(|sender| sender.join().expect("a sender does not panic"))
    })?;
    platform.stores(161)?;
    ensure!(platform.sql("select count(*), sum(times_seen), sum(status) from issues")? == "1|161|0");
    ensure!(issue.activity()? == ["set_unresolved", "set_ignored"], "it came back once: {:?}", issue.activity()?);
    ensure!(platform.sql("select count(*) from events where effect = 3")? == "1", "one event brought it back");
    ensure!(platform.sql("select count(*) from events where effect = 1")? == "1", "one event created it");
    Ok(())
}

fn resolved_by_age(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    issue.receives(&error("Refused", "card"))?;
    let (status, answer) = platform.ask(Method::PUT, "/projects/acme/shop/", &json!({"resolveAge": 24}))?;
    ensure!(status == 200, "answered {status}: {answer}");
    platform.sql("update issues set last_seen = now() - interval '25 hours' where title like 'Gone%'")?;
    let _cron = platform.one_more("cron", &[])?;
    wait_for("the issue to be resolved", SOON, || issue.is("resolved").is_ok())?;
    ensure!(issue.activity()? == ["set_resolved_by_age"]);
    ensure!(platform.sql("select count(*) from issues where status = 0")? == "1", "the other one is not silent");
    issue.happens()?;
    issue.is("unresolved")
}

fn nonsense_is_refused(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    platform.sql("delete from releases")?;
    for (wanted, word) in [
        (json!({"status": "purple"}), "purple"),
        (json!({"status": "resolved", "statusDetails": {"inNextRelease": true}}), "No release data"),
        (json!({"status": "resolved", "statusDetails": {"inRelease": "shop@7"}}), "Unable to find a release"),
        (json!({"status": "ignored", "statusDetails": {"ignoreCount": 0}}), "ignoreCount"),
        (json!({"status": "ignored", "statusDetails": {"ignoreCount": 1, "ignoreWindow": 100_000}}), "window"),
        (
            json!({"status": "ignored", "statusDetails": {"ignoreUserCount": 1_001, "ignoreUserWindow": 60}}),
            "At most 1000 users",
        ),
    ] {
        let (status, answer) = platform.ask(Method::PUT, &format!("/issues/{}/", issue.id), &wanted)?;
        let detail = answer["detail"].as_str().unwrap_or_default();
        ensure!(status == 400 && detail.contains(word), "{wanted} was answered {status}: {answer}");
    }
    issue.is("unresolved")?;
    let many = "/projects/acme/shop/issues/";
    let (status, answer) =
        platform.ask(Method::PUT, &format!("{many}?id={}", issue.id), &json!({"status": "resolved"}))?;
    ensure!(
        status == 200 && answer == json!({"status": "resolved", "statusDetails": {}}),
        "answered {status}: {answer}"
    );
    let (status, _) =
        platform.ask(Method::PUT, &format!("{many}?status=unresolved"), &json!({"status": "resolved"}))?;
    ensure!(status == 204, "there is nothing left to resolve, got {status}");
    Ok(())
}
