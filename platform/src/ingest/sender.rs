//! Who sends, checked: a [`Sender`] exists only for an active key of the project in the path.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, RawPathParams},
    http::{HeaderMap, HeaderName, header, request::Parts},
};

use super::{Rejection, keys::Key};
use crate::{
    app::App,
    projects::ProjectId,
    protocol::{
        auth::{self, Auth, AuthError, Dsn, Places},
        filter, origin,
        sent::{self, Sent},
    },
};

const X_SENTRY_AUTH: HeaderName = HeaderName::from_static("x-sentry-auth");

/// A sender that may send to a project.
#[derive(Clone, Debug)]
pub struct Sender {
    /// What its key belongs to.
    pub project: ProjectId,
    /// What applies to it.
    pub key: Arc<Key>,
    /// 32 characters, lower-case.
    pub public_key: String,
    /// What it says of its sending.
    pub sent: Sent,
    /// Why the project wants nothing of it, if it does not.
    pub unwanted: Option<filter::Reason>,
}

/// What a request says of its sender besides the key.
#[derive(Clone, Debug, Default)]
pub struct Claim {
    /// The project in the path, where the path has one.
    pub project: Option<String>,
    /// The site it comes from, if it comes from one.
    pub origin: Option<String>,
    /// The address it comes from.
    pub address: Option<IpAddr>,
    /// The client's name for itself.
    pub agent: Option<String>,
}

impl Sender {
    /// Finds what a DSN names, for a request with this head.
    pub async fn of_dsn(app: &App, dsn: Dsn, head: &Parts) -> Result<Sender, Rejection> {
        let auth = Auth { public_key: dsn.public_key, client: None };
        Sender::check(app, auth, &claim(head, Some(dsn.project))).await
    }

    /// Finds the key, which must be of the claimed project and let the claimed origin send.
    pub async fn check(app: &App, auth: Auth, claim: &Claim) -> Result<Sender, Rejection> {
        let named = claim.project.as_deref().map(str::parse::<i64>).transpose().map_err(|_| Rejection::BadProject)?;
        let found = app.keys.find(&auth.public_key).await.map_err(|error| {
            tracing::warn!("looking up a project key: {error:#}");
            Rejection::Unavailable
        })?;
        let key = found.filter(|key| named.is_none_or(|named| named == key.project.0)).ok_or(Rejection::UnknownKey)?;
        if claim.origin.as_ref().is_some_and(|origin| !origin::allows(&key.origins, origin)) {
            return Err(Rejection::Origin);
        }
        let unwanted = key.filters.reason_of_request(claim.address, claim.agent.as_deref());
        let sent = Sent { from: claim.address, by: auth.client, ..Sent::default() };
        Ok(Sender { project: key.project, key, public_key: auth.public_key, sent, unwanted })
    }
}

/// The head of a request whose sender may be named in its body.
pub struct Head {
    /// What the head says besides the key.
    pub claim: Claim,
    /// None where only the body can say.
    pub sender: Option<Sender>,
}

impl FromRequestParts<App> for Sender {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Sender, Rejection> {
        let (claim, auth) = read(parts, app).await?;
        Sender::check(app, auth?, &claim).await
    }
}

impl FromRequestParts<App> for Head {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Head, Rejection> {
        let (claim, auth) = read(parts, app).await?;
        let sender = match auth {
            Err(AuthError::Missing) => None,
            auth => Some(Sender::check(app, auth?, &claim).await?),
        };
        let is_number = claim.project.as_ref().is_some_and(|project| project.parse::<i64>().is_ok());
        if is_number { Ok(Head { claim, sender }) } else { Err(Rejection::BadProject) }
    }
}

async fn read(parts: &mut Parts, app: &App) -> Result<(Claim, Result<Auth, AuthError>), Rejection> {
    let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| Rejection::BadProject)?;
    let find = |wanted: &str| params.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned());
    let (project, key) = (find("project"), find("key"));
    let auth = auth::find(Places {
        x_sentry_auth: text(&parts.headers, &X_SENTRY_AUTH),
        authorization: text(&parts.headers, &header::AUTHORIZATION),
        query: parts.uri.query(),
        path: key.as_deref(),
    });
    Ok((claim(parts, project), auth))
}

fn claim(parts: &Parts, project: Option<String>) -> Claim {
    let origin = origin::of(text(&parts.headers, &header::ORIGIN), text(&parts.headers, &header::REFERER));
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let forwarded = sent::FORWARDED.iter().filter_map(|name| parts.headers.get(*name)?.to_str().ok());
    Claim {
        project,
        origin: origin.map(str::to_owned),
        address: sent::address(forwarded, peer),
        agent: text(&parts.headers, &header::USER_AGENT).map(str::to_owned),
    }
}

/// A header's value, as far as it is text.
pub fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
