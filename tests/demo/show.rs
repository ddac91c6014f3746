//! What every demo shows once the tracker runs: a crash is reported, mailed, and visible on a page.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use harness::chromium::{self, Browser, Size};
use harness::process::output;
use harness::smtp::Smtp;
use harness::tools;
use serde_json::json;

const CRASH: &str = "RuntimeError";
const PATIENCE: Duration = Duration::from_mins(1);

/// A running tracker and how to use it.
#[derive(Debug)]
pub(crate) struct Tracker {
    /// Where it is reached.
    pub(crate) url: String,
    /// The superuser.
    pub(crate) email: String,
    /// The superuser's password.
    pub(crate) password: String,
    /// Where an SDK reports to.
    pub(crate) dsn: String,
    /// The path of the project's issue list.
    pub(crate) issues: String,
}

/// What looks at the tracker from outside; what this machine lacks is said and left out.
#[derive(Debug)]
pub(crate) struct Witnesses {
    /// The mail server the tracker was told about.
    pub(crate) smtp: Option<Smtp>,
    /// The browser.
    pub(crate) browser: Option<Browser>,
}

/// Reports a crash with a real SDK, waits until it is mailed and on a page, and prints everything worth knowing.
pub(crate) fn a_crash(tracker: &Tracker, witnesses: &Witnesses, picture: &Path) -> Result<()> {
    let event = report(&tracker.dsn)?;
    let mail = witnesses.smtp.as_ref().map(|smtp| smtp.wait_for_mail(|mail| mail.subject.contains(CRASH), PATIENCE));
    let mail = mail.transpose().context("waiting for the mail about the crash")?;
    let issue = witnesses.browser.as_ref().map(|browser| open_issue(browser, tracker, picture)).transpose()?;

    println!("\nPicket runs, and sentry-sdk reported event {event}.\n");
    println!("  URL      {}", tracker.url);
    println!("  login    {} / {}", tracker.email, tracker.password);
    println!("  DSN      {}", tracker.dsn);
    if let Some(issue) = issue {
        println!("  issue    {issue}");
        println!("  picture  {}", picture.display());
    }
    if let Some(mail) = mail {
        println!("  mail     \"{}\" to {}", mail.subject, mail.to.join(", "));
    }
    println!();
    Ok(())
}

fn report(dsn: &str) -> Result<String> {
    let folder = harness::workspace().join("tests/sdks/python");
    let python = tools::python_env(&folder.join("requirements.txt"))?;
    let id =
        output(Command::new(python).arg(folder.join("report.py")).arg(dsn)).context("reporting with sentry-sdk")?;
    Ok(id.trim().to_owned())
}

/// Signs in, opens the issue from the list, takes a picture, and returns the address of the page.
fn open_issue(browser: &Browser, tracker: &Tracker, picture: &Path) -> Result<String> {
    fs::create_dir_all(picture.parent().context("a picture without a folder")?)?;
    let input = json!({
        "url": tracker.url,
        "list": tracker.issues,
        "email": tracker.email,
        "password": tracker.password,
        "title": CRASH,
        "path": picture,
        "size": {"width": Size::LAPTOP.width, "height": Size::LAPTOP.height},
    });
    let answer = browser.playwright(&chromium::scripts().join("issue.js"), &input)?;
    Ok(answer["url"].as_str().unwrap_or_default().to_owned())
}
