//! Chromium driven by Playwright: scripts in `tests/browser` take JSON and answer JSON.
//!
//! Debian's Chromium and `playwright-core` from npm, so no browser is downloaded. The browser runs where the run is.
//! Not here: what a page must look like; that is for the scripts.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::process::Program;
use crate::run::Run;
use crate::tools;

/// The browser, and letters for pages in Chinese: without them its pictures show boxes.
pub const PACKAGES: [&str; 2] = ["chromium", "fonts-wqy-microhei"];

const PATIENCE: Duration = Duration::from_mins(3);

/// What the browser needs, ready on disk.
#[derive(Clone, Debug)]
pub struct Browser {
    run: Run,
    /// Folders of npm packages that scripts may require.
    modules: Vec<PathBuf>,
}

/// A cookie for a picture of a page behind a login.
#[derive(Clone, Copy, Debug)]
pub struct Cookie<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value.
    pub value: &'a str,
}

/// The size of the window, in CSS pixels.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

impl Size {
    /// A laptop.
    pub const LAPTOP: Self = Self { width: 1280, height: 800 };
    /// A phone.
    pub const PHONE: Self = Self { width: 390, height: 844 };
}

impl Browser {
    /// Installs what is missing; the browser will run where programs of this run do.
    pub fn prepare(run: &Run) -> Result<Self> {
        tools::packages(&PACKAGES)?;
        Ok(Self { run: run.clone(), modules: vec![tools::node_modules(&scripts())?.join("node_modules")] })
    }

    /// Lets scripts require the packages of another folder too.
    pub fn with_packages(mut self, folder: &Path) -> Result<Self> {
        self.modules.push(tools::node_modules(folder)?.join("node_modules"));
        Ok(self)
    }

    /// Opens a page and takes a picture of it.
    pub fn screenshot(&self, url: &str, cookie: Option<Cookie>, path: &Path, size: Size) -> Result<()> {
        let cookies: Vec<Value> =
            cookie.iter().map(|cookie| json!({"name": cookie.name, "value": cookie.value, "url": url})).collect();
        let input = json!({
            "url": url, "path": path, "cookies": cookies, "size": {"width": size.width, "height": size.height},
        });
        let answer = self.playwright(&scripts().join("screenshot.js"), &input)?;
        ensure!(answer["status"] == 200, "{url} answered {}", answer["status"]);
        Ok(())
    }

    /// Runs a script with an input and returns its answer.
    pub fn playwright(&self, script: &Path, input: &Value) -> Result<Value> {
        let folder = self.run.folder("browser")?;
        let result = folder.join("result.json");
        let name = script.file_stem().context("a script without a name")?.to_string_lossy();
        let node = Program::new("node")
            .name(format!("browser-{name}"))
            .arg(script)
            .env("NODE_PATH", std::env::join_paths(&self.modules)?)
            .env("PICKET_INPUT", input.to_string())
            .env("PICKET_RESULT", &result)
            // Chromium writes caches and crash reports into the home of its user.
            .env("HOME", &folder)
            .start(&self.run)?;
        let status = node.wait(PATIENCE).with_context(|| node.last_words())?;
        ensure!(status.success(), "{name} in the browser: {}", node.last_words());
        serde_json::from_slice(&fs::read(result)?).with_context(|| format!("reading what {name} answered"))
    }
}

/// The folder of the scripts.
pub fn scripts() -> PathBuf {
    crate::workspace().join("tests/browser")
}
