//! The overview: every project somebody sees, how many events it had, and how many issues are open.

pub mod pages;
mod store;
