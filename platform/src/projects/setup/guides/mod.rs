//! The guides, one per platform: what to install, how to configure it, and how to send a test event.
//!
//! `{DSN}`, `{KEY}` and `{STORE}` are filled in. To add one: an entry in the file of its kind.

mod apps;
mod older;
mod servers;

/// A guide.
#[derive(Debug)]
pub struct Guide {
    /// As it stands in its address, and in a project's `platform`.
    pub id: &'static str,
    pub name: &'static str,
    pub era: Era,
    pub install: Blocks,
    pub configure: Blocks,
    pub send: Blocks,
}

/// Files and what goes into them; a file without a name is a terminal.
pub type Blocks = &'static [(&'static str, &'static str)];

/// Whether an SDK is still made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    Current,
    Older,
}

/// Every guide.
pub fn all() -> impl Iterator<Item = &'static Guide> {
    [servers::GUIDES, apps::GUIDES, older::GUIDES].into_iter().flatten().copied()
}

/// Those of SDKs that are still made.
pub fn current() -> impl Iterator<Item = &'static Guide> {
    all().filter(|guide| guide.era == Era::Current)
}

/// The guide of this name.
pub fn named(id: &str) -> Option<&'static Guide> {
    all().find(|guide| guide.id == id)
}

/// The guide for what a project says it is of: `python-django` is Python; `node` and `javascript` are their own.
pub fn of_platform(platform: &str) -> &'static Guide {
    let also = match platform {
        "cocoa" | "swift" | "objc" | "apple" => "ios",
        "csharp" => "dotnet",
        "kotlin" => "java",
        "c" | "cpp" | "minidump" => "native",
        // What a project is of that was asked nothing.
        "other" => "python",
        other => other,
    };
    let family = also.split('-').next().unwrap_or_default();
    named(also).or_else(|| named(family)).unwrap_or(&servers::PYTHON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guide_has_an_address_of_its_own_and_names_the_dsn() {
        let mut ids: Vec<_> = all().map(|guide| guide.id).collect();
        ids.sort_unstable();
        let known = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), known);
        for guide in all() {
            let text: String = guide.configure.iter().chain(guide.send).map(|(_, code)| *code).collect();
            assert!(text.contains("{DSN}") || text.contains("{KEY}"), "{} names no DSN", guide.id);
            assert!(!guide.send.is_empty(), "{} sends nothing", guide.id);
        }
    }

    #[test]
    fn a_project_is_shown_the_guide_of_its_platform() {
        let chosen = ["python-django", "node", "javascript-react", "react-native", "swift", "csharp", "other", ""];
        let guides = chosen.map(|platform| of_platform(platform).id);
        assert_eq!(guides, ["python", "node", "javascript", "react-native", "ios", "dotnet", "python", "python"]);
    }
}
