//! `/api/embed/error-page/`: the crash-report dialog. GET answers a script that shows it on the page that loads it, POST takes
//! what was entered; both name the DSN and the event in their query, as `showReportDialog()` of the browser's SDKs does.
//!
//! What the page wants the dialog to say travels as data into the script and as text into the page, never as markup.

use axum::{
    Json, Router,
    body::Body,
    extract::{FromRequestParts, State},
    http::{HeaderMap, header, request::Parts},
    response::IntoResponse,
    routing::get,
};
use serde_json::{Value, json};

use super::{Refusal, fields, submit, words};
use crate::{
    app::App,
    ingest::{self, Sender},
    protocol::{
        EventId,
        auth::Dsn,
        feedback::{Report, Said, form},
        json::Object,
    },
    ui::Language,
};

const SCRIPT: &str = include_str!("dialog.js");
const PATH: &str = "/api/embed/error-page";

/// The routes of this file.
pub fn routes() -> Router<App> {
    let dialog = ingest::with_preflight(get(show).post(take));
    Router::new().route(PATH, dialog.clone()).route(&format!("{PATH}/"), dialog)
}

/// What a request's query says, checked.
struct Asked {
    sender: Sender,
    event: EventId,
    options: Object,
}

impl FromRequestParts<App> for Asked {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Asked, Refusal> {
        let options = form(parts.uri.query().unwrap_or_default().as_bytes());
        let option = |name: &str| options.get(name).and_then(Value::as_str).unwrap_or_default();
        let event = option("eventId").parse().map_err(|_| Refusal::Parameter("eventId"))?;
        let dsn = Dsn::parse(option("dsn")).map_err(|_| Refusal::Parameter("dsn"))?;
        let sender = Sender::of_dsn(app, dsn, parts).await?;
        Ok(Asked { sender, event, options })
    }
}

async fn show(asked: Asked, headers: HeaderMap) -> impl IntoResponse {
    let named = asked.options.get("lang").and_then(Value::as_str);
    let language = named.map_or_else(|| Language::of(&headers), Language::preferred);
    let options = options(language, &asked.options);
    let script = format!("(() => {{\n{SCRIPT}\nshowReportDialog({options}, document.currentScript.src);\n}})();\n");
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "accept-language"),
    ];
    (headers, script)
}

async fn take(State(app): State<App>, asked: Asked, headers: HeaderMap, body: Body) -> Result<Json<Value>, Refusal> {
    let said = Said::read(&fields(&app, &headers, body).await?).map_err(Refusal::Form)?;
    submit(&app, &asked.sender, &Report { event: asked.event, said }).await?;
    Ok(Json(json!({})))
}

/// What the dialog says and what it is filled with: our words, unless the page has its own.
fn options(language: Language, asked: &Object) -> Value {
    let mut words = words::of(language);
    for (name, word) in &mut words {
        if let Some(own) = asked.get(name) {
            *word = own.clone();
        }
    }
    let filled = |name: &str| asked.get(name).cloned().unwrap_or_default();
    json!({ "lang": language.tag(), "name": filled("name"), "email": filled("email"), "words": words })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_may_say_it_in_its_own_words() {
        let asked = form(b"title=%3Cb%3EOops%3C%2Fb%3E&labelSubmit=Tell+us&email=grace%40example.com&words=none");
        let options = options(Language::Chinese, &asked);
        assert_eq!(
            (&options["words"]["title"], &options["words"]["labelSubmit"]),
            (&json!("<b>Oops</b>"), &json!("Tell us"))
        );
        assert_eq!(options["words"]["labelClose"], words::of(Language::Chinese)["labelClose"]);
        assert_eq!((&options["email"], &options["name"]), (&json!("grace@example.com"), &Value::Null));
    }
}
