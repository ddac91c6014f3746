//! The system's own pages, for superusers: how the queue, the database and the servers around us are, what was set aside, and to
//! try it again.

pub mod pages;
mod store;
mod words;
