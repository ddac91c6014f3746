//! Outbound requests: the one HTTP client for addresses that people type in.
//!
//! A name is resolved once, by us; what it means is checked, and the connection goes to what was checked, so that a name cannot
//! mean one thing to the check and another to the connection. An address that is no name is checked where it stands, and so is
//! every redirect. What is answered is bounded in time and size. No proxy is used: it would resolve names for itself.

pub mod addresses;

use std::{
    error::Error as StdError,
    fmt, iter,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use reqwest::{
    StatusCode, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header,
    redirect::{Action, Attempt, Policy},
};

use crate::config::Networks;
use addresses::is_public;

/// How long the whole of a request may take.
pub const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// As much of an answer is read; whoever says more is not listened to.
const LONGEST_ANSWER: usize = 64 << 10;
const MOST_REDIRECTS: usize = 3;
/// The longest pause that another server may ask for.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// The client, cheap to clone.
#[derive(Clone)]
pub struct Outbound {
    client: reqwest::Client,
    allowed: Arc<Networks>,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Post {
    /// JSON, without further headers.
    pub fn json(url: String, body: &serde_json::Value) -> Post {
        Post { url, headers: Vec::new(), body: body.to_string() }
    }
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    /// How long it asks us to wait.
    pub retry_after: Option<Duration>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// It may not be asked, now or later.
    Refused(String),
    /// It did not answer this time.
    Failed(String),
}

impl Outbound {
    /// A client that keeps out of private networks, but for these.
    pub fn new(allowed: &Networks) -> Result<Outbound> {
        let allowed = Arc::new(allowed.clone());
        let client = reqwest::Client::builder()
            .user_agent(concat!("Picket/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(Checked(allowed.clone())))
            .redirect(redirects(allowed.clone()))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .no_proxy()
            .build()
            .context("preparing the client for outbound requests")?;
        Ok(Outbound { client, allowed })
    }

    /// Sends something and reads what is answered, whatever its status.
    pub async fn post(&self, post: &Post) -> Result<Answer, Unanswered> {
        let url = check(&post.url, &self.allowed).map_err(Unanswered::Refused)?;
        let request = self.client.post(url).header(header::CONTENT_TYPE, "application/json; charset=utf-8");
        let request = post.headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        let answer = request.body(post.body.clone()).send().await.map_err(|error| unanswered(&error))?;
        let status = answer.status();
        let retry_after = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|value| value.trim().parse().ok()).map(Duration::from_secs);
        let body = read(answer).await.map_err(|error| unanswered(&error))?;
        Ok(Answer { status: status.as_u16(), body, retry_after: retry_after.map(|pause| pause.min(LONGEST_PAUSE)) })
    }
}

/// The URL, where it is one that may be asked as far as can be seen without resolving its name.
pub fn check(url: &str, allowed: &Networks) -> Result<Url, String> {
    let url = Url::parse(url.trim()).map_err(|error| format!("this is no URL: {error}"))?;
    permit(&url, allowed)?;
    Ok(url)
}

fn permit(url: &Url, allowed: &Networks) -> Result<(), String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("{}: is no scheme for a webhook: http or https", url.scheme()));
    }
    let host = url.host_str().ok_or("the URL names no host")?;
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) if !may_reach(address, allowed) => Err(Forbidden(address).to_string()),
        _ => Ok(()),
    }
}

fn may_reach(address: IpAddr, allowed: &Networks) -> bool {
    is_public(address) || allowed.contain(address.to_canonical())
}

/// An address in a network that the installation does not allow.
#[derive(Debug)]
struct Forbidden(IpAddr);

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Forbidden(address) = self;
        write!(f, "{address} is in a private network: whoever runs this server allows it with SENTRY_OUTBOUND_ALLOW")
    }
}

impl StdError for Forbidden {}

/// Resolves names, and hands on only what may be reached.
struct Checked(Arc<Networks>);

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let (may, may_not): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| may_reach(found.ip(), &allowed));
            match (may.is_empty(), may_not.first()) {
                (true, Some(first)) => Err(Forbidden(first.ip()).into()),
                _ => Ok(Box::new(may.into_iter()) as Addrs),
            }
        })
    }
}

/// Only those that send the same again; after others the message would be gone and nobody would know.
fn redirects(allowed: Arc<Networks>) -> Policy {
    Policy::custom(move |attempt: Attempt<'_>| -> Action {
        let keeps = matches!(attempt.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
        if !keeps || attempt.previous().len() > MOST_REDIRECTS {
            return attempt.stop();
        }
        let step = attempt.previous().last().map_or(Ok(()), |from| follow(from, attempt.url(), &allowed));
        match step {
            Ok(()) => attempt.follow(),
            Err(why) => attempt.error(Astray(why)),
        }
    })
}

/// Whether what was sent to one address may be sent on to another.
fn follow(from: &Url, to: &Url, allowed: &Networks) -> Result<(), String> {
    if from.scheme() == "https" && to.scheme() == "http" {
        return Err("what was sent encrypted is not sent on in the open".to_owned());
    }
    permit(to, allowed)
}

/// A redirect to where nothing may be sent.
#[derive(Debug)]
struct Astray(String);

impl fmt::Display for Astray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it redirects to where nothing may be sent: {}", self.0)
    }
}

impl StdError for Astray {}

async fn read(mut answer: reqwest::Response) -> reqwest::Result<String> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk[..chunk.len().min(LONGEST_ANSWER - body.len())]);
        if body.len() == LONGEST_ANSWER {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// In words, and without the URL: it may hold a secret.
fn unanswered(error: &reqwest::Error) -> Unanswered {
    let causes = || iter::successors(error.source(), |cause| (*cause).source());
    if let Some(why) = causes().find(|cause| cause.is::<Forbidden>() || cause.is::<Astray>()) {
        return Unanswered::Refused(why.to_string());
    }
    if error.is_timeout() {
        return Unanswered::Failed(format!("no answer within {} s", TIMEOUT.as_secs()));
    }
    if error.is_builder() {
        return Unanswered::Refused("the URL cannot be asked".to_owned());
    }
    let last = causes().last().map_or_else(|| "the connection failed".to_owned(), ToString::to_string);
    Unanswered::Failed(if error.is_connect() { format!("it cannot be reached: {last}") } else { last })
}

#[cfg(test)]
mod tests;
