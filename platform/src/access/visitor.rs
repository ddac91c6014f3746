//! Who asks.

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{header, request::Parts},
};
use axum_extra::extract::CookieJar;

use super::{Caller, session_secret, who};
use crate::{
    app::App,
    audit::Actor,
    auth::{self, SecretHash, User},
    permissions::{Scopes, table::Who},
    ui::{Language, Page},
    web::Error,
};

/// Somebody who is signed in, by cookie or by token.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub user: User,
    pub grant: Grant,
    pub caller: Caller,
}

/// How somebody was known, which bounds what they may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// By the cookie of this session: all that they may do.
    Session(SecretHash),
    /// By a token: what it was made for.
    Token(Scopes),
}

impl Grant {
    /// The most that may be done.
    pub fn scopes(self) -> Scopes {
        match self {
            Grant::Session(_) => Scopes::ALL,
            Grant::Token(scopes) => scopes,
        }
    }
}

impl Visitor {
    /// Them, for the audit log.
    pub fn actor(&self) -> Actor {
        Actor::new(&self.user, &self.caller.address)
    }

    /// The frame of a page that belongs to no project.
    pub fn page(&self, language: Language) -> Page {
        Page::of(&self.user, language)
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Visitor, Error> {
        let who = who(parts)?;
        let visitor = Visitor::known(parts, app).await?;
        let is_token = matches!(visitor.grant, Grant::Token(_));
        match who {
            Who::Account if is_token => Err(Error::Forbidden),
            Who::Superuser if !visitor.user.is_superuser || is_token => Err(Error::Forbidden),
            Who::May(scope) if !visitor.grant.scopes().has(scope) => Err(Error::Forbidden),
            _ => Ok(visitor),
        }
    }
}

impl Visitor {
    /// Whoever asks, whatever the route asks for.
    pub(super) async fn known(parts: &mut Parts, app: &App) -> Result<Visitor, Error> {
        let Ok(caller) = Caller::from_request_parts(parts, app).await;
        if let Some(header) = parts.headers.get(header::AUTHORIZATION) {
            let token = header.to_str().ok().and_then(bearer).ok_or(Error::InvalidToken)?;
            let (user, scopes) = auth::of_token(app, token).await?.ok_or(Error::InvalidToken)?;
            return Ok(Visitor { user, grant: Grant::Token(scopes), caller });
        }
        let jar = CookieJar::from_headers(&parts.headers);
        let secret = SecretHash::of(session_secret(&jar).ok_or(Error::Unauthorized)?);
        let user = auth::of_session(app, secret).await?.ok_or(Error::Unauthorized)?;
        Ok(Visitor { user, grant: Grant::Session(secret), caller })
    }
}

/// Nobody, where a handler serves strangers too; a wrong token is refused all the same.
impl OptionalFromRequestParts<App> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Visitor>, Error> {
        match <Visitor as FromRequestParts<App>>::from_request_parts(parts, app).await {
            Ok(visitor) => Ok(Some(visitor)),
            Err(Error::Unauthorized) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
