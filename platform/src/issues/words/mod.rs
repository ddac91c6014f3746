//! What the pages about issues say, once per language. A word that a language lacks does not compile.

mod en;
mod history;
mod zh;

use crate::ui::Language;

pub use history::{decided, happened};

/// The words, by what they are for.
#[derive(Debug)]
#[expect(missing_docs, reason = "a word is its own explanation")]
pub struct Words {
    // The search.
    pub search_hint: &'static str,
    pub understood_so_far: &'static str,
    pub complete_with: &'static str,
    pub help: &'static str,
    pub help_search: &'static str,
    pub help_keys: &'static str,
    /// Queries, and what they find.
    pub examples: &'static [(&'static str, &'static str)],
    pub keys: &'static [(&'static str, &'static str)],

    // Filters and sorts.
    pub project: &'static str,
    pub all_projects: &'static str,
    pub environment: &'static str,
    pub any: &'static str,
    pub period: &'static str,
    /// By [`PERIODS`].
    pub periods: [&'static str; 5],
    pub sort: &'static str,
    /// By [`SORTS`].
    pub sorts: [&'static str; 5],
    /// By `Window::Day` and `Window::Fortnight`.
    pub spans: [&'static str; 2],
    pub previous_page: &'static str,
    pub next_page: &'static str,

    // Saved searches.
    pub saved_searches: &'static str,
    pub mine: &'static str,
    pub save_this: &'static str,
    pub name_of_search: &'static str,
    pub save: &'static str,
    pub for_everybody: &'static str,
    pub show_first: &'static str,
    /// Of `saved::BUILT_IN`.
    pub built_in: [&'static str; 5],
    pub search_saved: &'static str,
    pub search_deleted: &'static str,
    pub search_not_saved: &'static str,

    // Rows.
    pub new: &'static str,
    pub regressed: &'static str,
    pub users: &'static str,
    pub seen: &'static str,
    pub assignee: &'static str,
    pub comments: &'static str,
    pub bookmarked: &'static str,
    pub show_new: &'static str,

    // What is done to issues.
    pub pick: &'static str,
    pub pick_page: &'static str,
    pub pick_whole: &'static str,
    pub assign_to: &'static str,
    pub assign: &'static str,
    pub nobody: &'static str,
    pub more: &'static str,
    pub bookmark: &'static str,
    pub unbookmark: &'static str,
    pub merge: &'static str,
    pub delete: &'static str,
    pub delete_sure: &'static str,
    pub undo: &'static str,
    /// What was done to so many issues.
    pub done: fn(&str, usize) -> String,
    pub nothing_picked: &'static str,
    pub not_possible: &'static str,

    // Empty lists.
    pub none_unresolved: &'static str,
    pub none_unresolved_text: &'static str,
    pub none_found: &'static str,
    pub none_found_text: &'static str,
    pub not_understood: &'static str,
    pub not_understood_text: &'static str,
    pub everything: &'static str,
    pub any_time: &'static str,
    pub any_environment: &'static str,

    // An issue.
    pub details: &'static str,
    pub activity: &'static str,
    pub fingerprints: &'static str,
    pub resolve_in_next: &'static str,
    pub resolve_in_latest: fn(&str) -> String,
    pub resolve_in: &'static str,
    pub resolve_there: &'static str,
    pub ignore_so: &'static str,
    pub ignore_for: &'static str,
    /// By minutes; see `pages::decisions`.
    pub durations: [&'static str; 4],
    pub ignore_until: &'static str,
    pub ignore_until_events: &'static str,
    pub ignore_until_users: &'static str,
    pub within: &'static str,
    /// By minutes: since now, an hour, a day, a week.
    pub windows: [&'static str; 4],
    pub ignore_for_good: &'static str,
    pub subscribe: &'static str,
    pub unsubscribe: &'static str,
    pub discard: &'static str,
    pub discard_text: &'static str,
    pub delete_text: &'static str,
    pub share: &'static str,
    pub unshare: &'static str,
    pub decision_wrong: &'static str,
    pub seen_in: &'static str,
    pub distribution: &'static str,
    pub first_release: &'static str,
    pub last_release: &'static str,
    pub release: &'static str,
    pub last_30_days: &'static str,
    pub all_tags: &'static str,
    pub other_values: &'static str,
    pub no_tags: &'static str,
    /// `3 values`
    pub values: fn(i64) -> String,
    pub value: &'static str,
    pub share_of_events: &'static str,

    // Its history.
    pub comment: &'static str,
    pub comment_hint: &'static str,
    pub write: &'static str,
    pub edit: &'static str,
    pub edited: &'static str,
    pub created: &'static str,
    pub somebody: &'static str,
    pub told: &'static str,
    pub itself: &'static str,

    // Its fingerprints.
    pub fingerprints_text: &'static str,
    pub unmerge: &'static str,
    pub unmerge_not_all: &'static str,
    pub latest_event: &'static str,
    pub not_kept: &'static str,
    pub merge_with: &'static str,
    pub merge_with_text: &'static str,
    pub merge_with_wrong: &'static str,

    // Its events.
    pub search_events: &'static str,
    pub search_events_hint: &'static str,
    pub no_such_events: &'static str,
    pub no_such_events_text: &'static str,

    // One of its events.
    pub trace_app: &'static str,
    pub trace_full: &'static str,
    pub trace_raw: &'static str,
    pub copy_trace: &'static str,
    pub as_curl: &'static str,
    pub levels: &'static str,
}

/// How far back a list goes: as the address says it, and in hours.
pub const PERIODS: [(&str, i64); 5] = [("", 0), ("1h", 1), ("24h", 24), ("7d", 168), ("30d", 720)];
/// Sentry's words for the sorts.
pub const SORTS: [&str; 5] = ["date", "new", "freq", "user", "priority"];

impl Words {
    /// The words of a language.
    pub fn of(language: Language) -> &'static Words {
        match language {
            Language::English => &en::EN,
            Language::Chinese => &zh::ZH,
        }
    }
}
