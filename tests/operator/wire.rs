//! The wire between the operator and the API server: every call on it is heard, and a chosen one can be made to go wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures::FutureExt as _;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use kube::client::{Body, DynBody};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower::{BoxError, Layer, Service};

/// A verb on a kind of object, as RBAC knows it; subresources are kinds of their own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    pub(crate) group: String,
    pub(crate) resource: String,
    pub(crate) verb: &'static str,
}

impl Call {
    /// Whether it asks and changes nothing.
    pub(crate) fn is_read(&self) -> bool {
        matches!(self.verb, "get" | "list" | "watch")
    }

    fn of(request: &Request<Body>) -> (Self, Option<String>) {
        let path: Vec<&str> = request.uri().path().split('/').filter(|part| !part.is_empty()).collect();
        let (group, rest) = match path.as_slice() {
            ["api", _, rest @ ..] => ("", rest),
            ["apis", group, _, rest @ ..] => (*group, rest),
            _ => ("", path.as_slice()),
        };
        let rest = match rest {
            ["namespaces", _, rest @ ..] if !rest.is_empty() => rest,
            rest => rest,
        };
        let (resource, name) = match rest {
            [resource, name, subresource, ..] => (format!("{resource}/{subresource}"), Some((*name).to_owned())),
            [resource, name] => ((*resource).to_owned(), Some((*name).to_owned())),
            [resource] => ((*resource).to_owned(), None),
            [] => (String::new(), None),
        };
        let watches = request.uri().query().is_some_and(|query| query.contains("watch=true"));
        let verb = match (request.method(), &name) {
            (&Method::GET, Some(_)) => "get",
            (&Method::GET, None) if watches => "watch",
            (&Method::GET, None) => "list",
            (&Method::POST, _) => "create",
            (&Method::PUT, _) => "update",
            (&Method::PATCH, _) => "patch",
            (&Method::DELETE, Some(_)) => "delete",
            _ => "something else",
        };
        (Self { group: group.to_owned(), resource, verb }, name)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)
    }
}

/// A call that was made, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) call: Call,
    /// The how-manieth of its kind it was, from 1.
    pub(crate) number: usize,
    /// The object's name, where the call has one.
    pub(crate) name: Option<String>,
    /// What the API server answered; none when it was never asked.
    pub(crate) status: Option<StatusCode>,
}

impl Heard {
    /// Whether it changed something.
    pub(crate) fn wrote(&self) -> bool {
        !self.call.is_read() && self.status.is_some_and(|status| status.is_success())
    }
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The API server says no, with this status.
    Refused(u16),
    /// Nobody answers, and nothing was done.
    TimedOut,
    /// It was done, and the answer is lost on the way.
    AnswerLost,
    /// It was done, and the operator dies before it hears of it.
    Killed,
    /// The operator dies before it can ask.
    KilledBefore,
    /// Nobody ever answers, and the connection stays open.
    Hangs,
}

/// Which calls go wrong: asked before each, with the call and its number.
type Plan = Box<dyn FnMut(&Call, usize) -> Option<Fault> + Send>;

/// A wire. Clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Wire {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    killed: Notify,
}

#[derive(Default)]
struct State {
    counts: BTreeMap<Call, usize>,
    heard: Vec<Heard>,
    plan: Option<Plan>,
    faults: usize,
}

impl Wire {
    /// A wire on which one call, and those that try it again, go wrong in these ways.
    pub(crate) fn with_faults(call: &Call, number: usize, faults: Vec<Fault>) -> Self {
        let (call, wire) = (call.clone(), Self::default());
        wire.plan(move |now, count| if *now == call { faults.get(count.checked_sub(number)?).copied() } else { None });
        wire
    }

    /// Decides from now on which calls go wrong.
    pub(crate) fn plan(&self, plan: impl FnMut(&Call, usize) -> Option<Fault> + Send + 'static) {
        self.state().plan = Some(Box::new(plan));
    }

    /// Nothing goes wrong any more.
    pub(crate) fn mend(&self) {
        self.state().plan = None;
    }

    /// How many calls went wrong.
    pub(crate) fn faults(&self) -> usize {
        self.state().faults
    }

    /// Every call so far.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.state().heard.clone()
    }

    /// The calls so far that changed something.
    pub(crate) fn writes(&self) -> Vec<Heard> {
        self.heard().into_iter().filter(Heard::wrote).collect()
    }

    /// Ends when a call is one that kills.
    pub(crate) async fn killed(&self) {
        self.shared.killed.notified().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call that begins, and decides how it ends.
    fn begins(&self, call: &Call) -> (usize, Option<Fault>) {
        let mut state = self.state();
        let count = state.counts.entry(call.clone()).or_default();
        *count += 1;
        let number = *count;
        let fault = state.plan.as_mut().and_then(|plan| plan(call, number));
        state.faults += usize::from(fault.is_some());
        (number, fault)
    }

    fn ends(&self, call: Call, number: usize, name: Option<String>, status: Option<StatusCode>) {
        self.state().heard.push(Heard { call, number, name, status });
    }
}

impl<S> Layer<S> for Wire {
    type Service = Overheard<S>;

    fn layer(&self, inner: S) -> Overheard<S> {
        Overheard { inner, wire: self.clone() }
    }
}

/// The client's own stack, with the wire behind it.
pub(crate) struct Overheard<S> {
    inner: S,
    wire: Wire,
}

type Answer = Response<Box<DynBody>>;
type Answering = Pin<Box<dyn Future<Output = Result<Answer, BoxError>> + Send>>;

impl<S> Service<Request<Body>> for Overheard<S>
where
    S: Service<Request<Body>, Response = Answer, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Answer;
    type Error = BoxError;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Answering {
        let wire = self.wire.clone();
        let (call, name) = Call::of(&request);
        let name = name.or_else(|| name_in(&request));
        let (number, fault) = wire.begins(&call);
        let asked = match fault {
            None | Some(Fault::AnswerLost | Fault::Killed) => Some(self.inner.call(request)),
            Some(Fault::Refused(_) | Fault::TimedOut | Fault::KilledBefore | Fault::Hangs) => None,
        };
        Box::pin(async move {
            let answer = match asked {
                Some(asked) => Some(asked.await?),
                None => None,
            };
            wire.ends(call, number, name, answer.as_ref().map(Response::status));
            match (fault, answer) {
                (Some(Fault::Refused(code)), _) => refusal(code),
                (Some(Fault::Killed | Fault::KilledBefore), _) => {
                    wire.shared.killed.notify_one();
                    std::future::pending().await
                }
                (Some(Fault::Hangs), _) => std::future::pending().await,
                (None, Some(answer)) => Ok(answer),
                _ => Err("the connection timed out".into()),
            }
        })
    }
}

/// The name in the body of a request that creates.
fn name_in(request: &Request<Body>) -> Option<String> {
    let body = request.body().try_clone().filter(|_| request.method() == Method::POST)?;
    let bytes = body.collect_bytes().now_or_never()?.ok()?;
    let object: Value = serde_json::from_slice(&bytes).ok()?;
    Some(object["metadata"]["name"].as_str()?.to_owned())
}

/// What an API server that refuses answers.
fn refusal(code: u16) -> Result<Answer, BoxError> {
    let reason = match code {
        403 => "Forbidden",
        409 => "Conflict",
        429 => "TooManyRequests",
        _ => "InternalError",
    };
    let status = json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "reason": reason,
        "message": "a fault of this story's",
    });
    let body = Full::from(status.to_string()).map_err(|never| match never {});
    let body: Box<DynBody> = Box::new(body);
    Ok(Response::builder().status(code).header("content-type", "application/json").body(body)?)
}
