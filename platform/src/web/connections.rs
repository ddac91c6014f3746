//! Connections: how many there may be, how long one may make us wait, how much of a head it may send, and how they end.
//!
//! Every connection has a seat. Where all are taken, the one whose client we have waited for longest has to leave, so that
//! neither idle clients nor slow nor silent ones keep others out. A request that is being answered is never cut off for it.
//!
//! Not here: bodies, which `ingest` bounds itself, and TLS, which ends at the proxy before us.

use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    net::{self, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    body::{Body, HttpBody},
    extract::{ConnectInfo, Request},
    response::Response,
};
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::TokioIo,
    server::graceful::{GracefulShutdown, Watcher},
};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::{crew::Crew, metrics::Metrics};

/// How long a client may take for a head, and keep a connection without a request: longer than the minute for which proxies
/// keep theirs, or they would send into one that we are closing.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// How often we look for those who take longer: a timer for each request would cost more than the rest of its head.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A request's line and headers, in bytes. A legacy event fits, which stands in the query.
const MOST_HEAD_BYTES: usize = 64 << 10;
/// After so long without a byte we ask whether the other side is still there.
const PROBE_AFTER: Duration = Duration::from_mins(1);
const PROBE_EVERY: Duration = Duration::from_secs(15);
const MOST_PROBES: u32 = 4;
/// The longest body that is sent in one piece, in bytes: the system's buffers take it at once.
const AS_GOOD_AS_SENT: u64 = 16 << 10;
/// How long an answer may go unread.
const UNREAD_TIMEOUT: Duration = Duration::from_mins(1);
/// Files and connections to servers that are open besides.
const OTHER_FILES: u64 = 256;
/// Between two looks for a free seat, or for what accepting needs.
const PAUSE: Duration = Duration::from_millis(100);
/// What clients who are silent when we are told to stop may still take to send a request.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Serves connections until told to stop, then until the last one is answered.
pub async fn serve<S>((listener, crew): (TcpListener, Crew), routes: S, seats: Seats, stop: CancellationToken)
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static,
{
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.max_buf_size(MOST_HEAD_BYTES);
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener) => accepted,
            _ = look.tick() => {
                seats.have_leave_after(HEAD_TIMEOUT);
                continue;
            }
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let seat = seats.take().await;
                crew.spawn(hold(http.clone(), (stream, peer), routes.clone(), seat, graceful.watcher()));
            }
            Err(error) => {
                tracing::warn!("accepting a connection: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    let silent = async {
        tokio::time::sleep(LAST_WAIT).await;
        seats.clear();
        std::future::pending::<()>().await;
    };
    tokio::select! { () = graceful.shutdown() => (), () = silent => () }
}

/// The next connection, for any runtime.
async fn accept(listener: &TcpListener) -> io::Result<(net::TcpStream, SocketAddr)> {
    let (stream, peer) = listener.accept().await?;
    // Without it an answer may wait for the acknowledgement of the one before.
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_EVERY).with_retries(MOST_PROBES);
    let socket = SockRef::from(&stream);
    socket.set_tcp_keepalive(&keepalive)?;
    socket.set_tcp_user_timeout(Some(UNREAD_TIMEOUT))?;
    Ok((stream.into_std()?, peer))
}

/// Answers a connection's requests until one side ends it, or until it has to leave.
async fn hold<S>(
    http: http1::Builder,
    (stream, peer): (net::TcpStream, SocketAddr),
    routes: S,
    taken: Taken,
    watcher: Watcher,
) where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static,
{
    let stream = match TcpStream::from_std(stream) {
        Ok(stream) => stream,
        Err(error) => return tracing::warn!("watching a connection: {error}"),
    };
    let seat = taken.seat.clone();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        seat.is_busy();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = routes.clone().call(request);
        let answering = Answering(seat.clone());
        async move { answer.await.map(|answer| answering.until_sent(answer)) }
    });
    let connection = watcher.watch(http.serve_connection(TokioIo::new(stream), service));
    // Errors here are clients that broke off or sent what is no HTTP; they are answered where they can be. A request that is
    // here already keeps the seat.
    tokio::select! { biased; _ = connection => (), () = taken.seat.has_to_leave() => () }
}

/// The seats of a process.
#[derive(Clone)]
pub struct Seats {
    free: Arc<Semaphore>,
    taken: Arc<Mutex<HashMap<u64, Arc<Seat>>>>,
    numbers: Arc<AtomicU64>,
    clock: Clock,
    metrics: Arc<Metrics>,
}

/// Where a connection sits.
struct Seat {
    /// Since when we wait for its client, by the clock; 0 while a request of its is being answered.
    waits_since: AtomicU64,
    clock: Clock,
    leave: Notify,
}

/// A request that is being answered: its seat waits for the client again when this is dropped.
struct Answering(Arc<Seat>);

impl Answering {
    /// Lasts until the answer's body is read to its end, however slowly.
    fn until_sent(self, answer: Response) -> Response {
        if answer.body().size_hint().exact().is_some_and(|bytes| bytes <= AS_GOOD_AS_SENT) {
            return answer;
        }
        answer.map(|body| {
            Body::new(body.map_frame(move |frame| {
                let _lasts = &self;
                frame
            }))
        })
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.waits();
    }
}

/// Milliseconds since the seats were set up, counted from 1.
#[derive(Clone, Copy)]
struct Clock(Instant);

impl Clock {
    fn now(self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }
}

/// A seat that is free again when this is dropped.
struct Taken {
    seats: Seats,
    number: u64,
    seat: Arc<Seat>,
    _permit: OwnedSemaphorePermit,
}

impl Seats {
    /// As many as were asked for, and no more than the files this process may open.
    pub fn new(most: usize, metrics: Arc<Metrics>) -> Seats {
        let files = usize::try_from(files().saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX);
        let free = Arc::new(Semaphore::new(most.min(files).max(1)));
        Seats { free, taken: Arc::default(), numbers: Arc::default(), clock: Clock(Instant::now()), metrics }
    }

    async fn take(&self) -> Taken {
        let permit = loop {
            match self.free.clone().try_acquire_owned() {
                Ok(permit) => break permit,
                Err(_) => self.make_room().await,
            }
        };
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let seat = Seat { waits_since: self.clock.now().into(), clock: self.clock, leave: Notify::new() };
        let seat = Arc::new(seat);
        self.taken().insert(number, seat.clone());
        self.metrics.connections.inc();
        Taken { seats: self.clone(), number, seat, _permit: permit }
    }

    /// Has the one leave that we have waited for longest, and waits for a free seat, a little.
    async fn make_room(&self) {
        let longest = {
            let taken = self.taken();
            let waiting = taken.values().filter(|seat| seat.since() > 0);
            waiting.min_by_key(|seat| seat.since()).cloned()
        };
        if let Some(seat) = longest {
            self.metrics.connections_cut.inc();
            seat.leave.notify_one();
        }
        // The permit is given back at once; whoever asks again finds it.
        let _ = tokio::time::timeout(PAUSE, self.free.acquire()).await;
    }

    /// Has everyone leave whom we have waited for so long.
    fn have_leave_after(&self, longest: Duration) {
        let now = self.clock.now();
        let is_late = |since: u64| since > 0 && u128::from(now.saturating_sub(since)) > longest.as_millis();
        self.taken().values().filter(|seat| is_late(seat.since())).for_each(|seat| seat.leave.notify_one());
    }

    /// Has everyone leave whom we wait for.
    fn clear(&self) {
        self.taken().values().for_each(|seat| seat.leave.notify_one());
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<u64, Arc<Seat>>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    fn since(&self) -> u64 {
        self.waits_since.load(Ordering::Relaxed)
    }

    fn is_busy(&self) {
        self.waits_since.store(0, Ordering::Relaxed);
    }

    fn waits(&self) {
        self.waits_since.store(self.clock.now(), Ordering::Relaxed);
    }

    async fn has_to_leave(&self) {
        loop {
            self.leave.notified().await;
            // It may have got a request meanwhile.
            if self.since() > 0 {
                return;
            }
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.seats.taken().remove(&self.number);
        self.seats.metrics.connections.dec();
    }
}

/// How many files this process may open, after asking for as many as it may ask for.
fn files() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return u64::MAX };
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(_) => soft,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat() -> Arc<Seat> {
        let clock = Clock(Instant::now());
        Arc::new(Seat { waits_since: 0.into(), clock, leave: Notify::new() })
    }

    #[test]
    fn who_still_takes_an_answer_in_is_not_waited_for() {
        let seat = seat();
        let answer = Answering(seat.clone()).until_sent(Response::new(Body::from(vec![0; 1 << 20])));
        assert_eq!(seat.since(), 0, "nothing of it was read");
        drop(answer);
        assert!(seat.since() > 0, "its last byte was read, or the client is gone");
    }

    #[test]
    fn who_got_a_small_answer_is_waited_for_at_once() {
        let seat = seat();
        let answer = Answering(seat.clone()).until_sent(Response::new(Body::from("{}")));
        assert!(seat.since() > 0 && answer.body().size_hint().exact() == Some(2));
    }
}
