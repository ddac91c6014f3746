//! Runs the commands that the README tells newcomers to run.
//!
//! Every line of the README's `sh` blocks must be one that is known here: a command that is renamed, or that nobody tries any
//! more, turns the step red.

use std::fs;

use anyhow::{Result, ensure};

use crate::{
    Tally, run,
    steps::{cargo, on_release},
};

/// What becomes of a command.
enum Trial {
    /// It is run, with these arguments after its own so that it ends by itself.
    Run(&'static [&'static str]),
    /// It is what is running now, or it is another step.
    Elsewhere,
}

const COMMANDS: &[(&str, Trial)] = &[
    ("cargo demo", Trial::Run(&["--once"])),
    ("cargo demo -- --standalone", Trial::Run(&["--once"])),
    ("cargo verify", Trial::Elsewhere),
    ("cargo bench", Trial::Elsewhere),
];

/// The step.
pub fn verify(tally: &mut Tally) -> Result<()> {
    let readme = fs::read_to_string(harness::workspace().join("README.md"))?;
    let told = commands(&readme);
    for (command, _) in COMMANDS {
        ensure!(told.iter().any(|told| told == command), "the README does not tell of `{command}`");
    }
    for told in &told {
        let known = COMMANDS.iter().find(|(command, _)| command == told);
        let Some((_, trial)) = known else { anyhow::bail!("the README tells to run `{told}`, which nothing tries") };
        if let Trial::Run(more) = trial {
            let words = told.split_whitespace().skip(1);
            let separator = if told.contains(" -- ") { &[][..] } else { &["--"] };
            run(on_release(&mut cargo())?.args(words).args(separator).args(*more), tally)?;
            tally.passed += 1;
        }
    }
    Ok(())
}

/// The commands in `sh` blocks, without comments.
fn commands(readme: &str) -> Vec<String> {
    let blocks = readme.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = blocks.flat_map(str::lines).map(|line| line.split(" #").next().unwrap_or_default().trim());
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_from_sh_blocks_only() {
        let readme = "```sh\ncargo demo   # a cluster\n\n# by the way\ncargo verify\n```\n```yaml\na: b\n```\n";
        assert_eq!(commands(readme), ["cargo demo", "cargo verify"]);
    }
}
