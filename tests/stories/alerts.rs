//! Who is told, and how often.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::{
    Story,
    lifecycle::Watched,
    platform::{ADMIN, Platform, SOON, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "a_new_issue_is_told_once_by_mail", run: a_new_issue_is_told_once_by_mail },
    Story { name: "a_regression_is_told_by_mail", run: a_regression_is_told },
    Story { name: "an_ignored_issue_that_is_worth_a_look_is_told_by_mail", run: an_ignored_issue_is_told },
    Story { name: "alert_mails_reach_only_who_sees_the_project", run: only_viewers_are_told },
    Story { name: "a_mail_waits_for_an_smtp_server_that_is_down", run: a_mail_waits_for_an_smtp_server_that_is_down },
];

fn a_new_issue_is_told_once_by_mail(world: &World) -> Result<()> {
    let platform = Platform::start_with_mail(world)?;
    let project = platform.project("shop")?;
    platform.picket(&[
        "createuser",
        "--email",
        ADMIN,
        "--password",
        "another password",
        "--superuser",
        "--no-input",
    ])?;
    for _ in 0..5 {
        platform.receives(&project, &error("Gone", "umbrella <b>"))?;
    }
    let Some(smtp) = &platform.smtp else { unreachable!("the story started with mail") };
    let mail = smtp.wait_for_mail(|mail| mail.subject.contains("Gone"), SOON)?;
    ensure!(mail.subject == "[shop] SHOP-1 - Gone: umbrella <b>", "the subject is {:?}", mail.subject);
    ensure!(mail.to == [ADMIN] && mail.from == "picket@example.com", "from {} to {:?}", mail.from, mail.to);
    let issue = platform.only_issue(&project)?;
    let link = format!("{}/acme/shop/issues/{}/", platform.url, issue["id"].as_str().unwrap_or_default());
    ensure!(mail.text.contains(&link) && mail.html.contains(&link), "no link {link} in {}", mail.text);
    ensure!(
        mail.html.contains("umbrella &#60;b&#62;") || mail.html.contains("umbrella &lt;b&gt;"),
        "what was sent is escaped"
    );

    platform.receives(&project, &error("Refused", "card"))?;
    smtp.wait_for_mail(|mail| mail.subject.contains("Refused"), SOON)?;
    platform.stores(6)?;
    let subjects: Vec<String> = smtp.messages()?.into_iter().map(|mail| mail.subject).collect();
    ensure!(subjects.len() == 2, "one mail an issue, got {subjects:?}");
    Ok(())
}

fn a_mail_waits_for_an_smtp_server_that_is_down(world: &World) -> Result<()> {
    let platform = Platform::start_with_mail(world)?;
    let project = platform.project("shop")?;
    let Some(smtp) = &platform.smtp else { unreachable!("the story started with mail") };
    smtp.stop();
    platform.receives(&project, &error("Gone", "umbrella"))?;
    let tried = "select count(*) from deliveries where attempts > 0 and code = 'mail' and said like '%127.0.0.1%'";
    platform.wait_for_sql(tried, "1")?;
    smtp.restart()?;
    smtp.wait_for_mail(|mail| mail.subject.contains("Gone"), SOON)?;
    Ok(())
}

fn only_viewers_are_told(world: &World) -> Result<()> {
    let platform = Platform::start_with_mail(world)?;
    let project = platform.project("shop")?;
    platform.sql(
        "update organizations set open_membership = false;
         insert into users (email) select name || '@example.com' from unnest(array['grace', 'linus', 'mary', 'old']) name;
         insert into members (organization_id, user_id, role, has_global_access)
             select o.id, u.id, case when u.email like 'mary%' then 'manager' else 'member' end, u.email like 'old%'
             from organizations o, users u where not u.is_superuser;
         insert into teams (organization_id, slug, name) select id, t, t from organizations, unnest(array['checkout', 'ledger']) t;
         insert into project_teams (project_id, team_id) select p.id, t.id from projects p, teams t where t.slug = 'checkout';
         insert into team_members (team_id, user_id)
             select t.id, u.id from teams t, users u where (u.email, t.slug) in (('grace@example.com', 'checkout'), ('linus@example.com', 'ledger'))",
    )?;
    let Some(smtp) = &platform.smtp else { unreachable!("the story started with mail") };
    platform.receives(&project, &error("Gone", "umbrella"))?;
    let told = "select string_agg(split_part(u.email, '@', 1), ' ' order by u.email) from deliveries d join users u on u.id = d.user_id";
    platform.wait_for_sql("select count(*) from deliveries where state = 1", "4")?;
    // By their team, by their role, by name, and who may do everything.
    ensure!(platform.sql(told)? == "ada grace mary old", "{} are told", platform.sql(told)?);

    // Who sees it no more is not told what was still waiting.
    smtp.stop();
    platform.receives(&project, &error("Refused", "card"))?;
    platform.wait_for_sql("select count(*) from deliveries where state = 0 and attempts > 0", "4")?;
    platform.sql("delete from team_members")?;
    smtp.restart()?;
    platform.wait_for_sql("select count(*) from deliveries where due_at is not null", "0")?;
    let given_up = platform.sql(&format!("{told} where d.state = 2"))?;
    ensure!(given_up == "grace", "not told is {given_up}");
    let mails = smtp.messages()?;
    let to_grace = mails.iter().filter(|mail| mail.to == ["grace@example.com"]);
    ensure!(to_grace.map(|mail| &mail.subject).eq(["[shop] SHOP-1 - Gone: umbrella"]), "they were sent {mails:?}");
    Ok(())
}

/// After a decision the issue happens twice: the mail about it, the second one.
fn told_again(platform: &Platform, decision: &Value) -> Result<String> {
    let issue = Watched::begin(platform)?;
    let Some(smtp) = &platform.smtp else { unreachable!("the story started with mail") };
    let first = smtp.wait_for_mail(|mail| mail.subject.contains("Gone"), SOON)?;
    ensure!(first.text.starts_with("New: error in shop"), "the first mail says {}", first.text);
    issue.decide(decision)?;
    issue.happens()?;
    let second = smtp.wait_for_mail(|mail| !mail.text.starts_with("New"), SOON)?;
    ensure!(second.subject == first.subject && second.to == [ADMIN], "{} to {:?}", second.subject, second.to);
    issue.happens()?;
    issue.receives(&error("Refused", "card"))?;
    smtp.wait_for_mail(|mail| mail.subject.contains("Refused"), SOON)?;
    ensure!(smtp.messages()?.len() == 3, "what only happens once more is not told");
    Ok(second.text)
}

fn a_regression_is_told(world: &World) -> Result<()> {
    let platform = Platform::start_with_mail(world)?;
    let text = told_again(&platform, &json!({"status": "resolved"}))?;
    ensure!(text.starts_with("Resolved and back: error in shop\n\nSHOP-1"), "the mail says {text}");
    Ok(())
}

fn an_ignored_issue_is_told(world: &World) -> Result<()> {
    let platform = Platform::start_with_mail(world)?;
    let text = told_again(&platform, &json!({"status": "ignored", "statusDetails": {"ignoreCount": 1}}))?;
    ensure!(text.starts_with("Ignored until now: error in shop\n\nSHOP-1"), "the mail says {text}");
    Ok(())
}
