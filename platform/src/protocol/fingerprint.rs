//! A group's identity, and how it is computed from what counts. What counts is decided in `grouping`.

use sha2::{Digest, Sha256};

/// A group's identity: the first 16 bytes of a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// Its first bytes as a number: enough to tell a few apart.
    pub fn short(&self) -> i32 {
        let [a, b, c, d, ..] = self.0;
        i32::from_be_bytes([a, b, c, d])
    }
}

/// Collects what makes an event what it is; parts are separated, so that `a|bc` is not `ab|c`.
pub struct Hasher(Sha256);

impl Hasher {
    /// An empty one.
    #[expect(clippy::new_without_default, reason = "a hasher of nothing is nobody's default")]
    pub fn new() -> Hasher {
        Hasher(Sha256::new())
    }

    /// Adds a part.
    pub fn add(&mut self, part: &str) {
        self.0.update(part.as_bytes());
        self.0.update([0]);
    }

    /// The identity of all that was added.
    pub fn finish(self) -> Fingerprint {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.0.finalize()[..16]);
        Fingerprint(bytes)
    }
}
