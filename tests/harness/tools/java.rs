//! The jars that a `pom.xml` names, and the JDK that runs a source file with them.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{cached, packages};
use crate::process::output;

/// What Maven calls to copy jars; it has no lock file, so the plugin is pinned here and the jars in the `pom.xml`.
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy-dependencies";

/// Makes sure there are a JDK and Maven; those from elsewhere are as good as Debian's.
pub fn jdk() -> Result<()> {
    let missing = |program: &&str| output(Command::new(program).arg("--version")).is_err();
    if ["java", "javac", "mvn"].iter().any(missing) { packages(&["default-jdk-headless", "maven"]) } else { Ok(()) }
}

/// A command that runs the one source file of a folder with the jars that its `pom.xml` names.
pub fn java(folder: &Path, source: &str) -> Result<Command> {
    jdk()?;
    let pom = fs::read(folder.join("pom.xml")).context("reading pom.xml")?;
    let jars = cached("java", &[&pom, COPY.as_bytes()], |target| {
        eprintln!("fetching the jars of {}", folder.file_name().unwrap_or_default().display());
        let mut maven = Command::new("mvn");
        maven.args(["--quiet", "--batch-mode", COPY]).arg(format!("-DoutputDirectory={}", target.display()));
        output(maven.current_dir(folder)).map(|_| ())
    })?;
    let mut java = Command::new("java");
    java.arg("-cp").arg(jars.join("*")).arg(folder.join(source));
    Ok(java)
}
