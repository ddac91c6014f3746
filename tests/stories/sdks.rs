//! Real SDKs, from their registries, report through the real platform.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use harness::{process::output, tools, workspace};

use crate::{
    Story,
    platform::{Platform, Project, World},
};

pub const STORIES: &[Story] = &[
    Story {
        name: "an_exception_of_sentry_python_arrives_complete",
        run: an_exception_of_sentry_python_arrives_complete,
    },
    Story { name: "an_exception_of_raven_arrives_complete", run: an_exception_of_raven_arrives_complete },
    Story { name: "all_that_sentry_node_reports_arrives", run: all_that_sentry_node_reports_arrives },
    Story { name: "sentry_node_pauses_when_told_to", run: sentry_node_pauses_when_told_to },
    Story { name: "all_that_sentry_go_reports_arrives", run: all_that_sentry_go_reports_arrives },
];

fn an_exception_of_sentry_python_arrives_complete(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let folder = workspace().join("tests/sdks/python");
    let python = tools::python_env(&folder.join("requirements.txt"))?;
    let id = output(Command::new(python).arg(folder.join("report.py")).arg(&project.dsn))?;

    let issue = platform.only_issue(&project)?;
    ensure!(issue["title"] == "ZeroDivisionError: division by zero", "the issue is {issue:#}");
    let event = platform.api(&format!("/projects/acme/shop/events/{}/", id.trim()))?;
    ensure!(event["groupID"] == issue["id"], "the event belongs to the issue");
    let tags = event["tags"].to_string();
    ensure!(tags.contains("checkout"), "the SDK's tag arrived: {tags}");
    let exception = event["entries"].to_string();
    for expected in ["price_per_item", "1 / count", "report.py", "basket was emptied"] {
        ensure!(exception.contains(expected), "{expected:?} is not in {exception}");
    }
    Ok(())
}

/// The event of that id shows all of these.
fn shows(platform: &Platform, id: &str, expected: &[&str]) -> Result<()> {
    let event = platform.api(&format!("/projects/acme/shop/events/{}/", id.trim().replace('-', "")))?.to_string();
    for expected in expected {
        ensure!(event.contains(expected), "{expected:?} is not in {event}");
    }
    Ok(())
}

fn an_exception_of_raven_arrives_complete(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let folder = workspace().join("tests/sdks/raven");
    let python = tools::python_env(&folder.join("requirements.txt"))?;
    let id = output(Command::new(python).arg(folder.join("report.py")).arg(&project.dsn))?;
    platform.stores(2)?;
    platform.wait_for_sql(
        "select string_agg(title, ', ' order by title) from issues",
        "ZeroDivisionError: division by zero, the checkout is closed",
    )?;
    shows(
        &platform,
        &id,
        &[
            "division by zero",
            "price_per_item",
            "return total / count",
            "checkout",
            "grace@example.com",
            "shop@1.2.3",
            "basket was emptied",
        ],
    )
}

fn node(project: &Project, arguments: &[&str]) -> Result<String> {
    let folder = workspace().join("tests/sdks/node");
    let packages = tools::node_modules(&folder)?.join("node_modules");
    output(
        Command::new("node").arg(folder.join("report.js")).arg(&project.dsn).args(arguments).env("NODE_PATH", packages),
    )
}

fn all_that_sentry_node_reports_arrives(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let id = node(&project, &[])?;
    platform.stores(1)?;
    shows(
        &platform,
        &id,
        &[
            "RangeError",
            "the basket is empty",
            "report.js",
            "checkout",
            "grace@example.com",
            "shop@1.2.3",
            "basket was emptied",
        ],
    )?;
    for kind in ["attachment", "check_in", "feedback", "session"] {
        let stored = format!("select count(*) > 0 from items where kind = '{kind}'");
        platform.wait_for_sql(&stored, "t").with_context(|| format!("no {kind} arrived"))?;
    }
    platform.wait_for_sql("select count(*) > 0 from items where kind in ('span', 'transaction')", "t")?;
    let attached =
        format!("select headers ->> 'filename' from items where kind = 'attachment' and event_id = '{}'", id.trim());
    ensure!(platform.sql(&attached)? == "cart.txt", "the attachment belongs to the event");
    Ok(())
}

fn sentry_node_pauses_when_told_to(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    platform.sql(
        "insert into quotas (categories, most, window_seconds, reason) values ('{error}', 2, 1000000000, 'story')",
    )?;
    node(&project, &["5"])?;
    platform.stores(2)?;
    // The third was refused; the SDK kept the fourth and fifth to itself.
    platform.wait_for_sql("select sum(quantity) from outcomes where category = 'error' and outcome = 2", "1")
}

fn all_that_sentry_go_reports_arrives(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let folder = workspace().join("tests/sdks/go");
    let mut go = Command::new("go");
    let id = output(go.args(["run", ".", &project.dsn]).current_dir(folder))?;
    platform.stores(1)?;
    shows(
        &platform,
        &id,
        &["the basket is empty", "main.go", "checkout", "grace@example.com", "shop@1.2.3", "basket was emptied"],
    )?;
    platform.wait_for_sql("select string_agg(kind, ' ' order by kind) from items", "attachment check_in")
}
