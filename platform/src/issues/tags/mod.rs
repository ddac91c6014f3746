//! The tags of issues and projects, as they are counted: which keys and values there are, how often and when.

mod store;

pub use store::{
    Key, ProjectKey, Value, delete_key, ends, keys_of_issue, keys_of_projects, names, top, values_of_issue,
    values_of_projects,
};
pub(super) use store::{known_traits, known_users};

/// A value as people know it: a user by what is known of them.
pub fn name(key: &str, value: &Value) -> String {
    let known = [&value.email, &value.username, &value.user_id, &value.ip];
    let known = known.into_iter().flatten().find(|text| !text.is_empty()).filter(|_| key == "user");
    known.cloned().unwrap_or_else(|| value.value.clone())
}

/// `42 %`, and `< 1 %` of what is there all the same.
pub fn share(part: i64, whole: i64) -> String {
    match part.min(whole) * 100 / whole.max(1) {
        0 => "< 1 %".into(),
        share => format!("{share} %"),
    }
}
