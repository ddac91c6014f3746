//! Style sheet, script and icon: embedded in the program, named by their content, cached for good.

use axum::{
    Router,
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rust_embed::Embed;

use crate::app::App;

#[derive(Embed)]
#[folder = "assets/"]
struct Assets;

/// The route of the assets.
pub fn routes() -> Router<App> {
    Router::new().route("/_static/{name}", get(serve))
}

/// Where an asset is found; the address changes with its content.
pub fn url(name: &str) -> String {
    let hash = Assets::get(name).map(|file| file.metadata.sha256_hash()).unwrap_or_default();
    format!("/_static/{name}?v={:08x}", u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]))
}

async fn serve(Path(name): Path<String>) -> Response {
    let Some(file) = Assets::get(&name) else { return StatusCode::NOT_FOUND.into_response() };
    let kind = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, file.data).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_asset_has_an_address_of_its_content() {
        for name in Assets::iter() {
            assert!(!url(&name).ends_with("00000000"), "{name}");
        }
    }
}
