//! The client against servers that try to lead it astray.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::post,
};
use tokio::net::TcpListener;

use super::*;

/// Where a server of a test listens, and how often it was asked.
struct Server {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

async fn server(to: &'static str) -> Server {
    let asked = Arc::new(AtomicUsize::new(0));
    let redirect = |status: StatusCode| move || async move { (status, [(header::LOCATION, to)]).into_response() };
    let take = |State(asked): State<Arc<AtomicUsize>>, body: String| async move {
        asked.fetch_add(1, Ordering::Relaxed);
        body
    };
    let routes = Router::new()
        .route("/echo", post(take))
        .route("/moved", post(redirect(StatusCode::PERMANENT_REDIRECT)))
        .route("/found", post(redirect(StatusCode::FOUND)))
        .route("/long", post(|| async { "x".repeat(1 << 20) }))
        .route("/busy", post(|| async { (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "7")]) }))
        .with_state(asked.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Server { address, asked }
}

fn client(allowed: &str) -> Outbound {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Outbound::new(&allowed.parse().unwrap()).unwrap()
}

fn hello(url: String) -> Post {
    Post { url, headers: Vec::new(), body: "hello".into() }
}

#[tokio::test]
async fn private_addresses_are_refused_however_they_are_named() {
    let server = server("/echo").await;
    let port = server.address.port();
    let strict = client("");
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"] {
        let refused = strict.post(&hello(format!("http://{host}:{port}/echo"))).await;
        assert!(
            matches!(&refused, Err(Unanswered::Refused(why)) if why.contains("SENTRY_OUTBOUND_ALLOW")),
            "{host}: {refused:?}"
        );
    }
    assert_eq!(server.asked.load(Ordering::Relaxed), 0, "nobody was asked anything");
    let answer = client("127.0.0.0/8,::1").post(&hello(format!("http://localhost:{port}/echo"))).await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "hello"));
}

#[tokio::test]
async fn a_redirect_is_followed_with_the_message_or_not_at_all() {
    let client = client("127.0.0.1");
    let near = server("/echo").await;
    let url = |server: &Server, path: &str| hello(format!("http://{}{path}", server.address));
    let followed = client.post(&url(&near, "/moved")).await.unwrap();
    assert_eq!((followed.status, followed.body.as_str()), (200, "hello"));
    assert_eq!(
        client.post(&url(&near, "/found")).await.unwrap().status,
        302,
        "a message is not turned into a question"
    );
    let file = client.post(&url(&server("file:///etc/passwd").await, "/moved")).await.unwrap();
    assert_eq!((file.status, file.body.as_str()), (308, ""), "a file is no web server");
    for to in ["http://169.254.169.254/latest/", "http://127.0.0.2/"] {
        let refused = client.post(&url(&server(to).await, "/moved")).await;
        assert!(matches!(&refused, Err(Unanswered::Refused(why)) if why.contains("redirects")), "{to}: {refused:?}");
    }
}

#[tokio::test]
async fn an_answer_is_bounded() {
    let client = client("127.0.0.1");
    let server = server("/").await;
    let long = client.post(&hello(format!("http://{}/long", server.address))).await.unwrap();
    assert_eq!(long.body.len(), LONGEST_ANSWER);
    let busy = client.post(&hello(format!("http://{}/busy", server.address))).await.unwrap();
    assert_eq!((busy.status, busy.retry_after), (429, Some(Duration::from_secs(7))));
}

#[tokio::test]
async fn who_cannot_be_reached_is_tried_again_and_the_url_is_not_told() {
    let client = client("127.0.0.1");
    let failed = client.post(&hello("http://127.0.0.1:1/robot?access_token=hush".into())).await;
    assert!(matches!(&failed, Err(Unanswered::Failed(why)) if !why.contains("hush")), "{failed:?}");
    for url in ["ftp://example.com/", "not a url", "http://"] {
        assert!(matches!(client.post(&hello(url.into())).await, Err(Unanswered::Refused(_))), "{url}");
    }
}
