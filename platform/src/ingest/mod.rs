//! The ingest edge: what SDKs talk to.
//!
//! Find the key, read a bounded body, split the envelope, put one message per item in the queue, answer. Nothing is normalised
//! here. 200 means that the queue has it, or the spool while Redis is away; when neither can, the answer is 503 and the SDK
//! sends it again.

mod accept;
mod bodies;
mod body;
mod browser;
mod check_ins;
mod crash_parts;
mod crashes;
mod envelopes;
mod keys;
mod legacy;
mod packed;
mod quotas;
mod rejection;
mod routes;
mod sender;
mod store;

pub use accept::{item, items};
pub use bodies::Bodies;
pub use body::{MOST_REPORT_BYTES, read as read_body};
pub use keys::Keys;
pub use quotas::Counters;
pub use rejection::Rejection;
pub use routes::{collapse_slashes, open, routes, with_preflight};
pub use sender::{Sender, text};

use tokio_util::sync::CancellationToken;

use crate::{app::App, outcomes};

/// What the edge does besides answering, until told to stop.
pub async fn keep(app: App, stop: CancellationToken) {
    tokio::join!(app.queue.keep_overflow(&stop), outcomes::keep(&app, &stop));
}
