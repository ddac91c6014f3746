//! Who may see what: the extractors a handler names to be allowed in.
//!
//! Somebody is known by the bearer token of the request or by the session's cookie. What they may do there stands in
//! [`permissions::table`], a line per route. What is not of their organisation does not exist for them: 404, never 403, so that
//! nobody learns the names of other people's projects. Cookies are `SameSite=Lax` and every request that changes something
//! passes the CSRF layer of `web`, on the API as on the pages.

mod caller;
mod organization;
mod project;
mod visitor;

use axum::{
    extract::{MatchedPath, RawPathParams},
    http::request::Parts,
};
use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};

pub use caller::Caller;
pub use organization::{Membership, OrganizationAdmin, TeamAccess};
pub use project::{IssueAccess, ProjectAccess, ProjectAdmin, ProjectView};
pub use visitor::{Grant, Visitor};

use crate::{
    app::App,
    permissions::{
        Scopes,
        table::{self, Who},
    },
    web::Error,
};

/// The cookie that holds a session's secret.
pub const SESSION_COOKIE: &str = "picket_session";

/// What the table says of the route that was asked for.
fn who(parts: &Parts) -> Result<Who, Error> {
    let path = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    table::who(parts.method.as_str(), path)
        .ok_or_else(|| Error::Internal(anyhow::anyhow!("permissions/table.rs has no line for {} {path}", parts.method)))
}

/// Refuses whose scopes are not what the route asks for.
fn require(who: Who, scopes: Scopes) -> Result<(), Error> {
    match who {
        Who::May(scope) if !scopes.has(scope) => Err(Error::Forbidden),
        _ => Ok(()),
    }
}

/// The cookie of a new session.
pub fn session_cookie(app: &App, secret: String) -> Cookie<'static> {
    // The browser keeps it for good; the server decides when the session is over.
    Cookie::build((SESSION_COOKIE, secret))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(app.config.site.use_ssl)
        .permanent()
        .build()
}

/// The cookie to remove from the jar when a session ends.
pub fn ended_session_cookie() -> Cookie<'static> {
    Cookie::build(SESSION_COOKIE).path("/").build()
}

/// A cookie that holds the secret of a link that was followed, until the browser is closed.
pub fn passing_cookie(app: &App, name: &'static str, secret: String) -> Cookie<'static> {
    Cookie::build((name, secret))
        .path("/auth/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(app.config.site.use_ssl)
        .build()
}

/// The same, to remove.
pub fn ended_passing_cookie(name: &'static str) -> Cookie<'static> {
    Cookie::build(name).path("/auth/").build()
}

/// The session's secret, where the request has one.
pub fn session_secret(jar: &CookieJar) -> Option<&str> {
    jar.get(SESSION_COOKIE).map(Cookie::value)
}

fn param<'a>(path: &'a RawPathParams, name: &str) -> Option<&'a str> {
    path.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}
