//! The protocol by itself, for the fuzzer: it is pure, so nothing else of the platform has to be built with the instruments.

#[path = "../src/protocol/mod.rs"]
pub mod protocol;
