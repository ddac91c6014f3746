//! The ingest edge: what SDKs talk to.
//!
//! Read a bounded body, find the key, split the envelope, put one message per item in the queue, answer. Nothing is normalised
//! here. 200 means that the queue has it; when it cannot, the answer is 503 and the SDK sends it again.

mod body;
mod endpoints;
mod keys;
mod rejection;
mod store;

pub use endpoints::routes;
pub use keys::Keys;
pub use rejection::Rejection;
