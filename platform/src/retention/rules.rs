//! What each table keeps, and for how long. A table that is not named here fails the test below: who adds one says what becomes
//! of its rows.

use Rule::{Bounded, Dated, Days, Done, Unseen, WithIssue};

/// When the rows of a table go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A day at a time, with its partition.
    Days,
    /// A row when the time in this column is older than is kept.
    Dated(&'static str),
    /// With their issue, which goes when nothing was heard of it for as long as is kept; counters and tags earlier.
    WithIssue,
    /// When no event had them for as long as is kept.
    Unseen,
    /// As soon as what they stand for is done.
    Done,
    /// Never by age: people make them, or there are only so many, and they go with their project or owner.
    Bounded,
}

/// Every table of ours.
pub const RULES: &[(&str, Rule)] = &[
    ("events", Days),
    ("items", Days),
    ("rejected_events", Dated("received_at")),
    ("outcomes", Dated("hour")),
    ("key_hours", Dated("hour")),
    ("notifications", Dated("created_at")),
    ("deliveries", Dated("created_at")),
    ("rule_fires", Dated("fired_at")),
    ("incidents", Dated("opened_at")),
    ("health_hours", Dated("hour")),
    ("user_reports", Dated("received_at")),
    ("check_ins", Dated("started_at")),
    ("releases", Dated("last_seen")),
    ("sessions", Dated("expires_at")),
    ("password_resets", Dated("expires_at")),
    ("invitations", Dated("expires_at")),
    ("sign_in_attempts", Dated("last_at")),
    ("directory_groups", Dated("asked_at")),
    ("audit_log", Dated("at")),
    ("issues", WithIssue),
    ("issue_hashes", WithIssue),
    ("issue_hours", WithIssue),
    ("issue_tags", WithIssue),
    ("issue_tag_keys", WithIssue),
    ("issue_users", WithIssue),
    ("issue_snoozes", WithIssue),
    ("issue_activity", WithIssue),
    ("issue_redirects", WithIssue),
    ("issue_traits", WithIssue),
    ("issue_assignees", WithIssue),
    ("issue_bookmarks", WithIssue),
    ("issue_subscriptions", WithIssue),
    ("issue_views", WithIssue),
    ("issue_shares", WithIssue),
    ("tag_values", Unseen),
    ("tag_keys", Unseen),
    ("event_users", Unseen),
    ("event_moves", Done),
    // Forgotten when they can be undone no more, after a day.
    ("issue_actions", Done),
    // Accounts and what people set up.
    ("users", Bounded),
    ("api_tokens", Bounded),
    ("organizations", Bounded),
    ("members", Bounded),
    ("teams", Bounded),
    ("team_members", Bounded),
    ("team_requests", Bounded),
    ("project_teams", Bounded),
    ("invitation_teams", Bounded),
    ("organization_tokens", Bounded),
    ("identities", Bounded),
    ("projects", Bounded),
    ("project_keys", Bounded),
    ("hidden_environments", Bounded),
    ("quotas", Bounded),
    ("alert_rules", Bounded),
    ("channels", Bounded),
    ("mail_preferences", Bounded),
    ("user_contacts", Bounded),
    // One for each channel and each person.
    ("delivery_lanes", Bounded),
    ("discarded_issues", Bounded),
    ("saved_searches", Bounded),
    ("default_searches", Bounded),
    // 500 a project, of 100 environments each.
    ("monitors", Bounded),
    ("monitor_environments", Bounded),
    // One for each of cron's tasks.
    ("leases", Bounded),
];

/// The tables whose rows go by a time of their own, with that column.
pub fn dated() -> impl Iterator<Item = (&'static str, &'static str)> {
    RULES.iter().filter_map(|(table, rule)| match rule {
        Dated(column) => Some((*table, *column)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::upgrade::MIGRATIONS;

    /// What the migrations create.
    fn tables() -> BTreeSet<String> {
        let statements = MIGRATIONS.iter().flat_map(|migration| migration.sql.as_str().lines());
        let created = statements.filter_map(|line| line.strip_prefix("create table "));
        created.filter_map(|rest| rest.split_whitespace().next()).map(str::to_owned).collect()
    }

    #[test]
    fn every_table_has_a_rule() {
        let ruled: BTreeSet<String> = RULES.iter().map(|(table, _)| (*table).to_owned()).collect();
        assert_eq!(tables(), ruled, "say in retention/rules.rs when the rows of a new table go");
        assert_eq!(ruled.len(), RULES.len(), "a table has one rule");
    }
}
