//! The workshop: installs and starts every real part the stories, `cargo demo` and `cargo verify` need.
//!
//! Everything is synchronous and owned: a server is a value, dropping it stops it. What was started is also written
//! into the folder of the [`run::Run`], so that Ctrl-C, a panic, or the next run after a `kill -9` can clean up. Programs
//! and network namespaces are described by [`process`] and [`net`]; the servers ([`postgres`], [`redis`], [`smtp`] …)
//! are thin on top of them. Nothing here depends on the platform or the operator: they are tested from outside.

pub mod certificates;
pub mod chromium;
pub mod cluster;
pub mod disk;
pub mod far_end;
pub mod forward;
pub mod images;
pub mod ldap;
pub mod net;
pub mod postgres;
pub mod proc;
pub mod process;
pub mod programs;
pub mod redis;
pub mod run;
pub mod s3;
pub mod smtp;
mod teardown;
pub mod tools;

use std::path::{Path, PathBuf};

/// The root of the checkout.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}
