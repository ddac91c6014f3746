//! The usual case: a small gzipped body that is here as a whole.

use std::cell::RefCell;

use libdeflater::Decompressor;
use memchr::memmem;

/// The most that is unpacked at once: larger bodies are worth a closer look while they yield.
const MOST_AT_ONCE: usize = 1 << 20;
/// How every member of a gzip stream begins.
const GZIP: &[u8] = b"\x1f\x8b\x08";

thread_local! {
    /// Its tables are as large as a usual body.
    static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
}

/// Unpacks a gzipped body that is here as a whole, into memory of the size that its end promises: as nearly all bodies come, and
/// at half the cost. None where [`Unpacking`] has to find out: what may be several members, an error, a bomb, another encoding.
pub fn at_once(encodings: &str, packed: &[u8], most: usize) -> Option<Vec<u8>> {
    if !encodings.eq_ignore_ascii_case("gzip") || memmem::rfind(packed, GZIP) != Some(0) {
        return None;
    }
    let promised = usize::try_from(u32::from_le_bytes(*packed.last_chunk()?)).ok()?;
    if promised > most.min(MOST_AT_ONCE) {
        return None;
    }
    let mut unpacked = vec![0; promised];
    let yielded = DECOMPRESSOR.with_borrow_mut(|it| it.gzip_decompress(packed, &mut unpacked)).ok()?;
    (yielded == promised).then_some(unpacked)
}
