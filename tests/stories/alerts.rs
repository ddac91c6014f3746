//! Who is told, and how often.

use anyhow::{Result, ensure};

use crate::{
    Story,
    platform::{ADMIN, Platform, SOON, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "a_new_issue_is_told_once_by_mail", run: a_new_issue_is_told_once_by_mail },
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
    harness::net::wait_for("a failed attempt", SOON, || platform.worker.last_words().contains("stays in the queue"))?;
    smtp.restart()?;
    smtp.wait_for_mail(|mail| mail.subject.contains("Gone"), SOON)?;
    Ok(())
}
