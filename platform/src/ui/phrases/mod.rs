//! Everything our pages say, once per language. A phrase that a language lacks does not compile.

mod en;
mod zh;

use crate::protocol::{
    grouping::{Variant, Why},
    remarks::What,
};

pub use en::EN;
pub use zh::ZH;

/// A unit of time that has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Minute,
    Hour,
    Day,
    Month,
    Year,
}

/// The phrases, by what they are for. Names of formats and products (DSN, JSON, SDK) are the same everywhere.
#[derive(Debug)]
#[expect(missing_docs, reason = "a phrase is its own explanation")]
pub struct Phrases {
    pub skip: &'static str,
    pub projects: &'static str,
    pub sections: &'static str,
    pub issues: &'static str,
    pub issue: &'static str,
    pub setup: &'static str,
    pub settings: &'static str,
    pub system: &'static str,
    pub sign_in: &'static str,
    pub sign_out: &'static str,
    pub sign_in_failed: &'static str,
    pub email: &'static str,
    pub email_or_username: &'static str,
    pub directory_away: &'static str,
    pub too_often: fn(i64) -> String,
    pub password: &'static str,
    pub home: &'static str,
    pub error_id: &'static str,
    pub not_found: &'static str,
    pub not_found_text: &'static str,
    pub refused: &'static str,
    pub refused_text: &'static str,
    pub bad_request: &'static str,
    pub bad_request_text: &'static str,
    pub unavailable: &'static str,
    pub unavailable_text: &'static str,
    pub our_fault: &'static str,
    pub our_fault_text: &'static str,
    pub no_projects: &'static str,
    pub no_projects_text: &'static str,
    pub status: &'static str,
    pub unresolved: &'static str,
    pub resolved: &'static str,
    pub ignored: &'static str,
    pub all: &'static str,
    pub resolve: &'static str,
    pub ignore: &'static str,
    pub reopen: &'static str,
    pub search: &'static str,
    pub search_hint: &'static str,
    pub search_too_slow: &'static str,
    pub nothing_found: &'static str,
    pub nothing_found_text: &'static str,
    pub last_24_hours: &'static str,
    pub last_14_days: &'static str,
    pub events: &'static str,
    pub event: &'static str,
    pub first_seen: &'static str,
    pub last_seen: &'static str,
    pub pages: &'static str,
    pub newer: &'static str,
    pub older: &'static str,
    pub newest: &'static str,
    pub oldest: &'static str,
    pub no_events: &'static str,
    pub no_events_text: &'static str,
    pub stack_trace: &'static str,
    pub unhandled: &'static str,
    pub mechanism: &'static str,
    pub in_app: &'static str,
    pub library_frames: &'static str,
    pub caused_by: &'static str,
    pub message: &'static str,
    pub breadcrumbs: &'static str,
    pub earlier: &'static str,
    pub request: &'static str,
    pub body: &'static str,
    pub headers: &'static str,
    pub extra: &'static str,
    pub tags: &'static str,
    pub user: &'static str,
    pub user_report: &'static str,
    pub attachments: &'static str,
    pub occurred: &'static str,
    pub received: &'static str,
    pub copy: &'static str,
    pub copied: &'static str,
    pub look_again: &'static str,
    pub just_now: &'static str,
    pub changes: &'static str,
    pub changes_text: &'static str,
    /// What was done to a value.
    pub remark: fn(&What) -> String,
    pub grouping: &'static str,
    pub grouping_version: &'static str,
    pub fingerprint: &'static str,
    pub fingerprint_rule: &'static str,
    pub stack_rule: &'static str,
    pub grouped_otherwise: &'static str,
    pub does_not_count: &'static str,
    pub grouping_variant: fn(Variant) -> &'static str,
    pub grouping_why: fn(Why) -> &'static str,
    /// `frame`, `value` …
    pub grouping_part: fn(&'static str) -> &'static str,
    /// `5 min ago`
    pub ago: fn(i64, Unit) -> String,
}
