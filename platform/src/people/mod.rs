//! The pages about people: one's own account, the members, teams, tokens and audit log of an organisation, and how its directory
//! is tried. What they do is done by `members`, `teams`, `auth`, `alerts` and `audit`; here is only how it is shown and asked for.

mod account;
mod audit_log;
mod directory;
mod frame;
mod members;
mod notifications;
mod organization;
mod security;
mod teams;
mod tokens;
pub mod words;

use axum::Router;

use crate::app::App;

/// The routes of these pages.
pub fn routes() -> Router<App> {
    Router::new()
        .merge(account::routes())
        .merge(notifications::routes())
        .merge(security::routes())
        .merge(tokens::routes())
        .merge(organization::routes())
        .merge(members::routes())
        .merge(teams::routes())
        .merge(audit_log::routes())
        .merge(directory::routes())
}
