//! The tags of issues and projects, as they are counted: which keys and values there are, how often and when.

mod store;

pub use store::{
    Key, ProjectKey, Value, delete_key, keys_of_issue, keys_of_projects, values_of_issue, values_of_projects,
};
pub(super) use store::{known_traits, known_users};
