//! How each program of `tests/sdks` is run: with the DSN, and a number where it shall report so many errors.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, Result};
use harness::{chromium::Browser, process::output, tools, workspace};
use serde_json::json;

use super::What;
use crate::platform::{Project, World};

pub fn folder(name: &str) -> PathBuf {
    workspace().join("tests/sdks").join(name)
}

/// Chromium, with the SDKs that pages use.
pub fn browser(world: &World) -> Result<Browser> {
    Browser::prepare(&world.run)?.with_packages(&folder("browser"))
}

fn run(command: &mut Command, project: &Project, what: What) -> Result<String> {
    command.arg(&project.dsn);
    if let What::Errors(number) = what {
        command.arg(number.to_string());
    }
    output(command)
}

fn python_in(name: &str, project: &Project, what: What) -> Result<String> {
    let python = tools::python_env(&folder(name).join("requirements.txt"))?;
    run(Command::new(python).arg(folder(name).join("report.py")), project, what)
}

pub fn python(_: &World, project: &Project, what: What) -> Result<String> {
    python_in("python", project, what)
}

pub fn raven(_: &World, project: &Project, what: What) -> Result<String> {
    python_in("raven", project, what)
}

fn node_in(name: &str, project: &Project, what: What) -> Result<String> {
    let packages = tools::node_modules(&folder(name))?.join("node_modules");
    let mut node = Command::new("node");
    run(node.arg(folder(name).join("report.js")).env("NODE_PATH", packages), project, what)
}

pub fn node(_: &World, project: &Project, what: What) -> Result<String> {
    node_in("node", project, what)
}

pub fn raven_node(_: &World, project: &Project, what: What) -> Result<String> {
    node_in("raven-node", project, what)
}

fn page(world: &World, script: &str, project: &Project, what: What) -> Result<String> {
    let errors = match what {
        What::All => None,
        What::Errors(number) => Some(number),
    };
    let mut input = json!({ "script": script, "dsn": project.dsn });
    if let Some(errors) = errors {
        input["errors"] = errors.into();
    }
    let id = browser(world)?.playwright(&folder("browser").join("report.js"), &input)?;
    match what {
        What::All => Ok(id.as_str().context("the page reported no error")?.to_owned()),
        What::Errors(_) => Ok(String::new()),
    }
}

pub fn sentry_browser(world: &World, project: &Project, what: What) -> Result<String> {
    page(world, "sentry.js", project, what)
}

pub fn raven_js(world: &World, project: &Project, what: What) -> Result<String> {
    page(world, "raven.js", project, what)
}

pub fn rust(_: &World, project: &Project, what: What) -> Result<String> {
    run(&mut Command::new(tools::cargo_program(&folder("rust"))?), project, what)
}

pub fn java(_: &World, project: &Project, what: What) -> Result<String> {
    run(&mut tools::java(&folder("java"), "Report.java")?, project, what)
}

pub fn java_1(_: &World, project: &Project, what: What) -> Result<String> {
    run(&mut tools::java(&folder("java-1"), "Report.java")?, project, what)
}

pub fn go(_: &World, project: &Project, what: What) -> Result<String> {
    let mut go = Command::new("go");
    run(go.args(["run", "."]).current_dir(folder("go")), project, what)
}
