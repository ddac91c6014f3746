//! Undoes the `Content-Encoding`s of a body, piece by piece.
//!
//! Decoders are chained so that nothing but the innermost result is kept, and every link of the chain is bounded: a bomb is
//! refused as soon as it has yielded one byte too many, at whichever depth.

mod at_once;

use std::io::{self, Write};

use flate2::{Decompress, FlushDecompress, Status, write::MultiGzDecoder};
use thiserror::Error;

pub use self::at_once::at_once;

/// Nobody packs more than twice.
const MOST_ENCODINGS: usize = 3;
/// zstd's window of 8 MiB, which every decoder must support; more would be the sender's choice of our memory.
const ZSTD_WINDOW_LOG: u32 = 23;
const BUFFER: usize = 8 << 10;
/// What is kept lies in pieces of about so many bytes.
const PIECE: usize = 1 << 20;

/// Why a body cannot be unpacked.
#[derive(Debug, Error)]
pub enum EncodingError {
    /// An encoding nobody uses, or too many of them.
    #[error("unsupported content encoding {0:?}")]
    Unknown(String),
    /// It is not what it says it is, or breaks off.
    #[error("{0}")]
    Broken(io::Error),
    /// It yields more than so many bytes.
    #[error("more than {0} bytes")]
    TooLarge(usize),
}

/// What an `io::Error` says when a bound was reached.
#[derive(Debug, Error)]
#[error("more than {0} bytes")]
struct TooMuch(usize);

impl From<io::Error> for EncodingError {
    fn from(error: io::Error) -> EncodingError {
        let bound = error.get_ref().and_then(|inner| inner.downcast_ref::<TooMuch>()).map(|TooMuch(most)| *most);
        bound.map_or(EncodingError::Broken(error), EncodingError::TooLarge)
    }
}

/// Takes a packed body in and keeps what was packed.
pub struct Unpacking {
    decoder: Decoder,
    is_empty: bool,
}

impl Unpacking {
    /// For a list of encodings in the order they were applied in; nothing may yield more than `most` bytes.
    pub fn new(encodings: &str, most: usize) -> Result<Unpacking, EncodingError> {
        Ok(Unpacking { decoder: Decoder::new(encodings, most)?, is_empty: true })
    }

    /// Takes the next piece in.
    pub fn take(&mut self, piece: &[u8]) -> Result<(), EncodingError> {
        self.is_empty &= piece.is_empty();
        Ok(self.decoder.write_all(piece)?)
    }

    /// How many bytes are kept so far.
    pub fn kept(&self) -> usize {
        self.decoder.kept()
    }

    /// What was packed. Nothing at all is an answer too; a stream that breaks off is an error.
    pub fn finish(self) -> Result<Vec<u8>, EncodingError> {
        if self.is_empty { Ok(Vec::new()) } else { Ok(self.decoder.finish()?) }
    }
}

/// A chain of decoders; the last one keeps the bytes.
enum Decoder {
    Plain(Bounded),
    Gzip(Box<MultiGzDecoder<Link>>),
    Deflate(Box<Inflate>),
    Brotli(Box<brotli::DecompressorWriter<Link>>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Link>>),
}

impl Decoder {
    /// The chain for a list of encodings in the order they were applied in.
    fn new(encodings: &str, most: usize) -> Result<Decoder, EncodingError> {
        let encodings: Vec<String> = encodings.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
        if encodings.len() > MOST_ENCODINGS {
            return Err(EncodingError::Unknown(encodings.join(", ")));
        }
        let plain = Decoder::Plain(Bounded { pieces: Vec::new(), kept: 0, most });
        encodings.into_iter().try_fold(plain, |inner, encoding| {
            let link = Link { inner, left: most, most };
            Ok(match encoding.as_str() {
                // Old Ruby and Java SDKs name a character set here.
                "" | "identity" | "utf-8" => link.inner,
                "gzip" | "x-gzip" => Decoder::Gzip(Box::new(MultiGzDecoder::new(link))),
                "deflate" => Decoder::Deflate(Box::new(Inflate { state: Decompress::new(true), ended: false, link })),
                "br" => Decoder::Brotli(Box::new(brotli::DecompressorWriter::new(link, BUFFER))),
                "zstd" => Decoder::Zstd(Box::new(zstd_decoder(link)?)),
                _ => return Err(EncodingError::Unknown(encoding)),
            })
        })
    }

    fn kept(&self) -> usize {
        match self {
            Decoder::Plain(bounded) => bounded.kept,
            Decoder::Gzip(gzip) => gzip.get_ref().inner.kept(),
            Decoder::Deflate(inflate) => inflate.link.inner.kept(),
            Decoder::Brotli(brotli) => brotli.get_ref().inner.kept(),
            Decoder::Zstd(zstd) => zstd.get_ref().inner.kept(),
        }
    }

    /// Ends every link; a stream that breaks off is an error.
    fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Decoder::Plain(bounded) => Ok(bounded.whole()),
            Decoder::Gzip(gzip) => gzip.finish()?.inner.finish(),
            Decoder::Deflate(inflate) if inflate.ended => inflate.link.inner.finish(),
            Decoder::Deflate(_) => Err(io::ErrorKind::UnexpectedEof.into()),
            Decoder::Brotli(mut brotli) => {
                brotli.close()?;
                match brotli.into_inner() {
                    Ok(link) => link.inner.finish(),
                    Err(_) => Err(io::ErrorKind::UnexpectedEof.into()),
                }
            }
            Decoder::Zstd(mut zstd) => {
                zstd.flush()?;
                zstd.into_inner().inner.finish()
            }
        }
    }
}

fn zstd_decoder(link: Link) -> io::Result<zstd::stream::write::Decoder<'static, Link>> {
    let mut decoder = zstd::stream::write::Decoder::new(link)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG)?;
    Ok(decoder)
}

impl Write for Decoder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Decoder::Plain(bounded) => bounded.write(bytes),
            Decoder::Gzip(gzip) => gzip.write(bytes),
            Decoder::Deflate(inflate) => inflate.write(bytes),
            Decoder::Brotli(brotli) => brotli.write(bytes),
            Decoder::Zstd(zstd) => zstd.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a decoder writes into: the next decoder, as long as the bound allows.
struct Link {
    inner: Decoder,
    left: usize,
    most: usize,
}

impl Write for Link {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len()).ok_or_else(|| io::Error::other(TooMuch(self.most)))?;
        self.inner.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The end of every chain. What is kept lies in pieces until it is whole: one growing buffer would be copied again and again, and
/// take three times its size for a moment.
struct Bounded {
    pieces: Vec<Vec<u8>>,
    kept: usize,
    most: usize,
}

impl Bounded {
    /// All pieces in one; each is given back as soon as it is copied.
    fn whole(mut self) -> Vec<u8> {
        if self.pieces.len() <= 1 {
            return self.pieces.pop().unwrap_or_default();
        }
        let mut whole = Vec::with_capacity(self.kept);
        self.pieces.into_iter().for_each(|piece| whole.extend_from_slice(&piece));
        whole
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.kept + bytes.len() > self.most {
            return Err(io::Error::other(TooMuch(self.most)));
        }
        self.kept += bytes.len();
        if let Some(piece) = self.pieces.last_mut().filter(|piece| piece.len() + bytes.len() <= PIECE) {
            piece.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        // The first one is all there is, nearly always, and small.
        let expected = if self.pieces.is_empty() { bytes.len() } else { PIECE.max(bytes.len()) };
        let mut piece = Vec::with_capacity(expected);
        piece.extend_from_slice(bytes);
        self.pieces.push(piece);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A zlib stream. Unlike the library's writer it knows whether the stream has come to its end.
struct Inflate {
    state: Decompress,
    ended: bool,
    link: Link,
}

impl Write for Inflate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut buffer = [0; BUFFER];
        let mut read = 0;
        while !self.ended {
            let (consumed, yielded) = (self.state.total_in(), self.state.total_out());
            let status = self.state.decompress(&bytes[read..], &mut buffer, FlushDecompress::None)?;
            // Both differences are at most the length of a slice.
            let consumed = usize::try_from(self.state.total_in() - consumed).unwrap_or(usize::MAX);
            let yielded = usize::try_from(self.state.total_out() - yielded).unwrap_or(usize::MAX);
            read += consumed;
            self.link.write_all(&buffer[..yielded])?;
            self.ended = status == Status::StreamEnd;
            if consumed == 0 && yielded == 0 {
                break;
            }
        }
        // What follows the end of the stream is not ours.
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };

    use super::*;

    const TEXT: &[u8] = b"{\"message\":\"what an SDK sends\"}";

    fn unpack(body: &[u8], encodings: &str, most: usize) -> Result<Vec<u8>, EncodingError> {
        let mut unpacking = Unpacking::new(encodings, most)?;
        body.chunks(1000).try_for_each(|piece| unpacking.take(piece))?;
        unpacking.finish()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn brotli(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = brotli::CompressorWriter::new(Vec::new(), BUFFER, 5, 22);
        encoder.write_all(bytes).unwrap();
        encoder.into_inner()
    }

    #[test]
    fn every_encoding_is_undone_and_so_is_a_chain_of_them() {
        let zstd = zstd::encode_all(TEXT, 3).unwrap();
        let cases = [
            ("", TEXT.to_vec()),
            ("identity", TEXT.to_vec()),
            ("UTF-8", TEXT.to_vec()),
            ("gzip", gzip(TEXT)),
            ("GZIP", [gzip(&TEXT[..7]), gzip(&TEXT[7..])].concat()),
            ("deflate", zlib(TEXT)),
            ("br", brotli(TEXT)),
            ("zstd", zstd.clone()),
            ("zstd, gzip", gzip(&zstd)),
            ("deflate, identity, br", brotli(&zlib(TEXT))),
        ];
        for (encodings, body) in cases {
            let unpacked = unpack(&body, encodings, 100);
            assert_eq!(unpacked.unwrap_or_else(|e| panic!("{encodings}: {e}")), TEXT, "{encodings}");
        }
    }

    #[test]
    fn at_once_is_what_piece_by_piece_is_or_nothing() {
        let two = [gzip(&TEXT[..7]), gzip(&TEXT[7..])].concat();
        assert_eq!(at_once("GZip", &gzip(TEXT), 100).unwrap(), TEXT);
        let closer = [two, gzip(b""), gzip(&[0; 101]), TEXT.to_vec()].map(|body| ("gzip", body));
        let closer = closer.into_iter().chain([("deflate", zlib(TEXT))]);
        for (encodings, body) in closer {
            assert_eq!(at_once(encodings, &body, 100), None);
        }
        let whole = gzip(TEXT);
        for cut in 0..whole.len() {
            assert_eq!(at_once("gzip", &whole[..cut], 100), None, "{cut} bytes");
        }
        let mut broken = whole;
        let checksum = broken.len() - 5;
        broken[checksum] ^= 1;
        assert_eq!(at_once("gzip", &broken, 100), None, "the checksum is another's");
        assert_eq!(at_once("gzip", &[gzip(TEXT), b"trailing".to_vec()].concat(), 100), None);
        assert_eq!(at_once("gzip", &gzip(TEXT).repeat(2), 100), None, "two that look the same are two");
    }

    #[test]
    fn a_broken_stream_is_an_error() {
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::best());
        raw.write_all(TEXT).unwrap();
        let cut = |mut packed: Vec<u8>| {
            packed.truncate(packed.len() - 6);
            packed
        };
        let cases = [
            ("gzip", TEXT.to_vec()),
            ("gzip", cut(gzip(TEXT))),
            ("deflate", cut(zlib(TEXT))),
            ("deflate", raw.finish().unwrap()),
            ("br", cut(brotli(TEXT))),
            ("zstd", TEXT.to_vec()),
        ];
        for (encodings, body) in cases {
            let refused = unpack(&body, encodings, 100);
            assert!(matches!(refused, Err(EncodingError::Broken(_))), "{encodings}: {refused:?}");
        }
        assert!(matches!(unpack(TEXT, "rot13", 100), Err(EncodingError::Unknown(name)) if name == "rot13"));
        assert!(matches!(unpack(TEXT, "gzip,gzip,gzip,gzip", 100), Err(EncodingError::Unknown(_))));
    }

    #[test]
    fn a_bomb_is_refused_at_the_bound_whatever_it_is_packed_in() {
        let zeros = vec![0; 1 << 20];
        let zstd = zstd::encode_all(&zeros[..], 3).unwrap();
        let cases = [
            ("", zeros.clone()),
            ("gzip", gzip(&zeros)),
            ("deflate", zlib(&zeros)),
            ("br", brotli(&zeros)),
            ("zstd", zstd.clone()),
            ("gzip, gzip", gzip(&gzip(&zeros))),
            // The middle of the chain is bounded too, although nothing of it is kept.
            ("gzip, zstd", zstd::encode_all(&gzip(&[]).repeat(1 << 16)[..], 3).unwrap()),
        ];
        for (encodings, body) in cases {
            let refused = unpack(&body, encodings, 1 << 19);
            assert!(
                matches!(refused, Err(EncodingError::TooLarge(most)) if most == 1 << 19),
                "{encodings}: {refused:?}"
            );
        }
    }
}
