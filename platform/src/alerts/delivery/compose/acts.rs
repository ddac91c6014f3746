//! What somebody did, from an entry of an issue's history. Pure.

use super::store::{Activity, Assignee};
use crate::{
    auth::UserId,
    channels::message::{self, Act, Contact, Fix},
};

/// As it is told to a reader.
pub(super) fn act(activity: &Activity, reader: UserId) -> Act {
    let text = |name: &str| activity.data[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let is_reader = text("assignee").is_some_and(|id| id == reader.0.to_string());
    let to = match text("assigneeType").as_deref() {
        Some("user") if is_reader => None,
        Some("team") => text("assigneeName").map(|slug| format!("#{slug}")),
        _ => text("assigneeEmail"),
    };
    Act { by: activity.by.clone(), to, text: text("text"), fix: fix(activity) }
}

fn fix(activity: &Activity) -> Option<Fix> {
    let data = &activity.data;
    if activity.kind == "set_resolved_by_age" {
        return Some(Fix::Silence);
    }
    if !activity.kind.starts_with("set_resolved") {
        return None;
    }
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let commit = || text(&data["inCommit"]["commit"]).map(|id| id.chars().take(12).collect()).map(Fix::Commit);
    let next = (data["inNextRelease"] == true).then_some(Fix::NextRelease);
    next.or_else(|| text(&data["inRelease"]).map(Fix::Release)).or_else(commit)
}

/// Who sees to an issue, with what robots call them by.
pub(super) fn assignee(found: Assignee) -> message::Assignee {
    let contact = |known: &String| {
        let (kind, value) = known.split_once(':')?;
        Some(Contact { kind: kind.to_owned(), value: value.to_owned() })
    };
    message::Assignee { contacts: found.contacts.iter().filter_map(contact).collect(), name: found.name }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn activity(kind: &str, data: Value) -> Activity {
        Activity { kind: kind.into(), by: Some("Grace".into()), data }
    }

    #[test]
    fn an_assignment_is_to_the_reader_or_to_somebody_else() {
        let data = json!({"assignee": "7", "assigneeEmail": "ada@example.com", "assigneeType": "user"});
        assert_eq!(act(&activity("assigned", data.clone()), UserId(7)).to, None);
        assert_eq!(act(&activity("assigned", data), UserId(8)).to.as_deref(), Some("ada@example.com"));
        let team = json!({"assignee": "7", "assigneeName": "checkout", "assigneeType": "team"});
        assert_eq!(act(&activity("assigned", team), UserId(7)).to.as_deref(), Some("#checkout"));
    }

    #[test]
    fn a_resolution_says_where_the_fix_is() {
        let fix = |kind: &str, data: Value| act(&activity(kind, data), UserId(1)).fix;
        assert_eq!(fix("set_resolved", json!({})), None);
        assert_eq!(fix("set_resolved_by_age", json!({})), Some(Fix::Silence));
        assert_eq!(fix("set_resolved_in_release", json!({"inNextRelease": true})), Some(Fix::NextRelease));
        let release = json!({"inRelease": "shop@2.0"});
        assert_eq!(fix("set_resolved_in_release", release), Some(Fix::Release("shop@2.0".into())));
        let commit = json!({"inCommit": {"commit": "0123456789abcdef", "repository": "shop"}});
        assert_eq!(fix("set_resolved_in_commit", commit), Some(Fix::Commit("0123456789ab".into())));
        assert_eq!(fix("note", json!({"text": "x"})), None);
    }
}
