//! `GET /api/0/`: the version of the API, and who asks. Clients call it to see whether their token is good.

use axum::{Json, Router, routing::get};
use serde::Serialize;

use crate::{
    access::Visitor,
    app::App,
    auth::User,
    web::{Error, api_route},
};

/// The routes of this slice.
pub fn routes() -> Router<App> {
    api_route(Router::new(), "/api/0/", get(index))
}

#[derive(Serialize)]
struct Index {
    version: &'static str,
    auth: Option<Auth>,
    user: Option<Person>,
}

#[derive(Serialize)]
struct Auth {
    scopes: Vec<&'static str>,
}

#[derive(Serialize)]
struct Person {
    id: String,
    name: String,
    username: String,
    email: String,
    #[serde(rename = "isSuperuser")]
    is_superuser: bool,
}

impl From<User> for Person {
    fn from(user: User) -> Person {
        let name = if user.name.is_empty() { user.email.clone() } else { user.name };
        Person {
            id: user.id.0.to_string(),
            name,
            username: user.email.clone(),
            email: user.email,
            is_superuser: user.is_superuser,
        }
    }
}

async fn index(visitor: Option<Visitor>) -> Result<Json<Index>, Error> {
    let auth = visitor.as_ref().map(|visitor| Auth { scopes: visitor.grant.scopes().names() });
    Ok(Json(Index { version: "0", auth, user: visitor.map(|visitor| visitor.user.into()) }))
}
