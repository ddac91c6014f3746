//! Who sends, checked: a [`Sender`] exists only for an active key of the project in the path.

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::{HeaderMap, HeaderName, header, request::Parts},
};

use super::Rejection;
use crate::{
    app::App,
    projects::ProjectId,
    protocol::auth::{self, Auth, AuthError, Places},
};

const X_SENTRY_AUTH: HeaderName = HeaderName::from_static("x-sentry-auth");

/// A sender that may send to a project.
#[derive(Clone, Debug)]
pub struct Sender {
    /// What its key belongs to.
    pub project: ProjectId,
    /// 32 characters, lower-case.
    pub public_key: String,
}

impl Sender {
    /// Finds the key; `project` is the one in the path, where the path has one.
    pub async fn check(app: &App, auth: Auth, project: Option<&str>) -> Result<Sender, Rejection> {
        let named = project.map(str::parse::<i64>).transpose().map_err(|_| Rejection::BadProject)?;
        match app.keys.project(&auth.public_key).await {
            Ok(Some(project)) if named.is_none_or(|named| named == project.0) => {
                Ok(Sender { project, public_key: auth.public_key })
            }
            Ok(_) => Err(Rejection::UnknownKey),
            Err(error) => {
                tracing::warn!("looking up a project key: {error:#}");
                Err(Rejection::Unavailable)
            }
        }
    }
}

/// The head of a request whose sender may be named in its body: the project in the path, and the sender, if the head names one.
pub struct Head {
    /// As it stands in the path.
    pub project: String,
    /// None where only the body can say.
    pub sender: Option<Sender>,
}

impl FromRequestParts<App> for Sender {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Sender, Rejection> {
        let path = Path::read(parts, app).await?;
        let auth = path.auth(parts)?;
        Sender::check(app, auth, path.project.as_deref()).await
    }
}

impl FromRequestParts<App> for Head {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Head, Rejection> {
        let path = Path::read(parts, app).await?;
        let sender = match path.auth(parts) {
            Err(AuthError::Missing) => None,
            auth => Some(Sender::check(app, auth?, path.project.as_deref()).await?),
        };
        let project = path.project.ok_or(Rejection::BadProject)?;
        project.parse::<i64>().map_err(|_| Rejection::BadProject)?;
        Ok(Head { project, sender })
    }
}

/// What a path says of the sender.
struct Path {
    project: Option<String>,
    key: Option<String>,
}

impl Path {
    async fn read(parts: &mut Parts, app: &App) -> Result<Path, Rejection> {
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| Rejection::BadProject)?;
        let find = |wanted: &str| params.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned());
        Ok(Path { project: find("project"), key: find("key") })
    }

    fn auth(&self, parts: &Parts) -> Result<Auth, AuthError> {
        auth::find(Places {
            x_sentry_auth: text(&parts.headers, &X_SENTRY_AUTH),
            authorization: text(&parts.headers, &header::AUTHORIZATION),
            query: parts.uri.query(),
            path: self.key.as_deref(),
        })
    }
}

/// A header's value, as far as it is text.
pub fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
