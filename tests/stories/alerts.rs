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
