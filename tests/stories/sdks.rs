//! Real SDKs, from their registries, report through the real platform.

use std::process::Command;

use anyhow::{Result, ensure};
use harness::{process::output, tools, workspace};

use crate::{
    Story,
    platform::{Platform, World},
};

pub const STORIES: &[Story] = &[Story {
    name: "an_exception_of_sentry_python_arrives_complete",
    run: an_exception_of_sentry_python_arrives_complete,
}];

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
