//! The steps of a guide: install, configure, send.

use super::{Block, Step, guides::Guide};
use crate::projects::words::Words;

/// The steps, with the project's values filled in; one without anything to do is left out.
pub fn of(guide: &Guide, words: &Words, fill: &impl Fn(&str) -> String) -> Vec<Step> {
    let block = |(file, code): &(&str, &str)| Block { file: (*file).to_owned(), code: fill(code.trim()) };
    let step =
        |heading, text, blocks: &[(&str, &str)]| Step { heading, text, blocks: blocks.iter().map(block).collect() };
    let steps = [
        step(words.install, "", guide.install),
        step(words.configure, "", guide.configure),
        step(words.send, words.send_text, guide.send),
    ];
    steps.into_iter().filter(|step| !step.blocks.is_empty()).collect()
}
