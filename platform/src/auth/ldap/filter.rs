//! The filters of the settings: one that is none is told by the setting's name.

/// A filter of the settings that is none.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {filter:?} is no filter: it is in parentheses, as in (uid=ada)")]
pub struct WrongFilter {
    setting: &'static str,
    filter: String,
}

/// Whether it is a filter, with somebody in the place of who signs in.
pub fn check(setting: &'static str, filter: &str) -> Result<(), WrongFilter> {
    match ldap3::parse_filter(filter.replace("%(user)s", "ada")) {
        Ok(_) => Ok(()),
        Err(()) => Err(WrongFilter { setting, filter: filter.to_owned() }),
    }
}
