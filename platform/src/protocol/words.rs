//! Many words looked for at once, in one pass over a text: what runs for every frame and every value cannot ask for each.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

/// A set of words that is compiled when it is first used.
pub type Lazy = LazyLock<Words>;

/// A compiled set of words.
pub struct Words(AhoCorasick);

impl Words {
    /// Words as they are.
    pub fn new(words: &[&str]) -> Words {
        Words::compile(words, Case::Matters)
    }

    /// Words in upper or lower case, of ASCII at least.
    pub fn in_any_case(words: &[&str]) -> Words {
        Words::compile(words, Case::Ignored)
    }

    fn compile(words: &[&str], case: Case) -> Words {
        let mut builder = AhoCorasick::builder();
        builder
            .ascii_case_insensitive(case == Case::Ignored)
            .kind(Some(AhoCorasickKind::DFA))
            .match_kind(MatchKind::LeftmostFirst);
        Words(builder.build(words).expect("the words are a short constant"))
    }

    /// Whether a text holds any of them.
    pub fn are_in(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// Where the first of them starts.
    pub fn start(&self, text: &str) -> Option<usize> {
        self.0.find(text).map(|found| found.start())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Matters,
    Ignored,
}

#[cfg(test)]
mod tests {
    use super::Words;

    #[test]
    fn words_are_found_anywhere_in_a_text() {
        let words = Words::new(&["/gems/", "<internal:"]);
        assert!(words.are_in("/usr/gems/rack.rb") && words.are_in("<internal:kernel>"));
        assert!(!words.are_in("/GEMS/") && !words.are_in(""));
        assert_eq!(words.start("a/gems/<internal:"), Some(1));
        assert!(Words::in_any_case(&["token"]).are_in("X-ToKeN"));
    }
}
