//! The usual case: a small gzipped body that is here as a whole.

use std::cell::RefCell;

use libdeflater::{Decompressor, crc32};
use memchr::memmem;

/// The most that is unpacked at once: larger bodies are worth a closer look while they yield.
const MOST_AT_ONCE: usize = 1 << 20;
/// How every member of a gzip stream begins.
const GZIP: &[u8] = b"\x1f\x8b\x08";
/// How long its end is: a checksum of what was packed, and its length.
const END: usize = 8;

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
    // Behind the one member stands nothing: its end is that of the body, and found nowhere else.
    let mut end = [0; END];
    end[..4].copy_from_slice(&crc32(&unpacked).to_le_bytes());
    end[4..].copy_from_slice(packed.last_chunk::<4>()?);
    (yielded == promised && memmem::find(packed, &end) == packed.len().checked_sub(END)).then_some(unpacked)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(text).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn what_has_something_behind_its_end_is_left_to_a_closer_look() {
        let body = packed(b"hello");
        assert_eq!(at_once("gzip", &body, 100).as_deref(), Some(&b"hello"[..]));
        let end = &body[body.len() - END..];
        for behind in [&[0][..], end, &end[..4], &body] {
            assert_eq!(at_once("gzip", &[&body, behind].concat(), 100), None, "{behind:?}");
        }
        assert_eq!(at_once("gzip", &[&packed(b"")[..], &[0, 0]].concat(), 100), None, "an end of zeros, and zeros");
    }
}
