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
        .route("/ring", post(|| async { (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/ring")]) }))
        .route("/silent", post(std::future::pending::<()>))
        .route("/drips", post(drips))
        .route("/busy", post(|| async { (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "7")]) }))
        .with_state(asked.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Server { address, asked }
}

/// An answer that never ends, and never stops coming.
async fn drips() -> axum::body::Body {
    let drops = futures_util::stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Some((Ok::<_, std::convert::Infallible>("."), ()))
    });
    axum::body::Body::from_stream(drops)
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
async fn redirects_end_somewhere() {
    let server = server("/").await;
    let ring = client("127.0.0.1").post(&hello(format!("http://{}/ring", server.address))).await.unwrap();
    assert_eq!(ring.status, 307, "whoever leads in a ring is not followed for ever");
}

#[tokio::test]
async fn who_says_nothing_or_never_ends_is_not_waited_for() {
    let server = server("/").await;
    let client = client("127.0.0.1");
    let (silent, drips) = (format!("http://{}/silent", server.address), format!("http://{}/drips", server.address));
    let begun = std::time::Instant::now();
    let (silent, drips) = (hello(silent), hello(drips));
    let (silent, drips) = tokio::join!(client.post(&silent), client.post(&drips));
    for answer in [silent, drips] {
        assert!(matches!(&answer, Err(Unanswered::Failed(why)) if why.contains("within 10 s")), "{answer:?}");
    }
    assert!(begun.elapsed() < TIMEOUT * 3, "the limit is of the whole");
}

#[tokio::test]
async fn a_name_that_means_several_addresses_leads_only_to_those_that_are_allowed() {
    let resolve = async |allowed: &str, name: &str| {
        let resolver = Checked(Arc::new(allowed.parse().unwrap()));
        resolver.resolve(name.parse().unwrap()).await.map(|found| found.map(|one| one.ip()).collect::<Vec<_>>())
    };
    assert_eq!(resolve("127.0.0.1", "localhost").await.unwrap(), ["127.0.0.1".parse::<IpAddr>().unwrap()]);
    let refused = resolve("10.0.0.0/8", "localhost").await.unwrap_err();
    assert!(refused.is::<Forbidden>(), "{refused}");
}

#[test]
fn an_address_is_checked_in_whatever_form_it_is_written() {
    let none: Networks = "".parse().unwrap();
    for host in [
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "169.254.43518",
        "user:pass@10.0.0.1",
        "127.1",
    ] {
        let refused = check(&format!("http://{host}/latest/meta-data/"), &none);
        assert!(refused.as_ref().is_err_and(|why| why.contains("SENTRY_OUTBOUND_ALLOW")), "{host}: {refused:?}");
    }
    let mapped: Networks = "10.0.0.0/8".parse().unwrap();
    assert!(check("http://[::ffff:10.0.0.1]/", &mapped).is_ok(), "what is allowed is allowed in every form");
    for scheme in ["file:///etc/passwd", "gopher://example.com/", "unix:/run/docker.sock", "data:text/html,x"] {
        assert!(check(scheme, &none).is_err(), "{scheme}");
    }
}

#[test]
fn what_was_sent_in_secret_is_not_sent_on_in_the_open() {
    let none: Networks = "".parse().unwrap();
    let step = |from: &str, to: &str| follow(&from.parse().unwrap(), &to.parse().unwrap(), &none);
    assert!(step("https://example.com/a", "https://example.com/b").is_ok());
    assert!(step("http://example.com/a", "https://example.com/a").is_ok());
    assert!(step("https://example.com/a", "http://example.com/a").is_err_and(|why| why.contains("encrypted")));
    assert!(step("https://example.com/a", "https://10.0.0.1/").is_err());
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
