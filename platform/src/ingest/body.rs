//! Takes a request's body in, undoing its `Content-Encoding`s while it arrives.
//!
//! Decoders are chained so that nothing but the innermost result is kept, and every link of the chain is bounded: a bomb is
//! refused as soon as it has yielded one byte too many, at whichever depth.

use std::{
    io::{self, Write},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status, write::MultiGzDecoder};
use http_body_util::BodyExt;

use super::Rejection;

/// The largest body, in bytes, packed or unpacked: what the Sentry we replace took.
pub const MOST_BYTES: usize = 20 << 20;
/// The largest body of endpoints that take one report.
pub const MOST_REPORT_BYTES: usize = 1 << 20;
/// Nobody packs more than twice.
const MOST_ENCODINGS: usize = 3;
/// zstd's window of 8 MiB, which every decoder must support; more would be the sender's choice of our memory.
const ZSTD_WINDOW_LOG: u32 = 23;
/// How long a sender may take for its body.
const PATIENCE: Duration = Duration::from_mins(1);
const BUFFER: usize = 8 << 10;

/// Takes the whole body in; `most` bounds it before and after decompression. An empty one is an answer too.
pub async fn read(mut body: Body, content_encoding: Option<&str>, most: usize) -> Result<Bytes, Rejection> {
    let decoder = Decoder::new(content_encoding.unwrap_or_default(), most)?;
    let taken = async {
        let taken = take(&mut body, decoder, most).await;
        if taken.is_err() {
            drain(&mut body, most).await;
        }
        taken
    };
    tokio::time::timeout(PATIENCE, taken).await.unwrap_or(Err(Rejection::TooSlow))
}

async fn take(body: &mut Body, mut decoder: Decoder, most: usize) -> Result<Bytes, Rejection> {
    let mut packed = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Rejection::Body(error.to_string()))?;
        let Some(chunk) = frame.data_ref() else { continue };
        packed += chunk.len();
        if packed > most {
            return Err(Rejection::TooLarge(most));
        }
        decoder.write_all(chunk).map_err(|error| refused(&error))?;
    }
    if packed == 0 { Ok(Bytes::new()) } else { decoder.finish().map(Bytes::from).map_err(|error| refused(&error)) }
}

/// Reads on without looking: a sender whose connection is closed while it still writes never sees why it was refused.
async fn drain(body: &mut Body, most: usize) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > most {
            return;
        }
    }
}

/// What an `io::Error` says when a bound was reached.
#[derive(Debug, thiserror::Error)]
#[error("the body is larger than {0} bytes")]
struct TooMuch(usize);

fn refused(error: &io::Error) -> Rejection {
    let bound = error.get_ref().and_then(|inner| inner.downcast_ref::<TooMuch>()).map(|TooMuch(most)| *most);
    bound.map_or_else(|| Rejection::Body(error.to_string()), Rejection::TooLarge)
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
    fn new(encodings: &str, most: usize) -> Result<Decoder, Rejection> {
        let encodings: Vec<String> = encodings.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
        if encodings.len() > MOST_ENCODINGS {
            return Err(Rejection::Encoding(encodings.join(", ")));
        }
        let plain = Decoder::Plain(Bounded { bytes: Vec::new(), most });
        encodings.into_iter().try_fold(plain, |inner, encoding| {
            let link = Link { inner, left: most, most };
            Ok(match encoding.as_str() {
                // Old Ruby and Java SDKs name a character set here.
                "" | "identity" | "utf-8" => link.inner,
                "gzip" | "x-gzip" => Decoder::Gzip(Box::new(MultiGzDecoder::new(link))),
                "deflate" => Decoder::Deflate(Box::new(Inflate { state: Decompress::new(true), ended: false, link })),
                "br" => Decoder::Brotli(Box::new(brotli::DecompressorWriter::new(link, BUFFER))),
                "zstd" => Decoder::Zstd(Box::new(zstd_decoder(link).map_err(|e| Rejection::Body(e.to_string()))?)),
                _ => return Err(Rejection::Encoding(encoding)),
            })
        })
    }

    /// Ends every link; a stream that breaks off is an error.
    fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Decoder::Plain(bounded) => Ok(bounded.bytes),
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

/// The end of every chain.
struct Bounded {
    bytes: Vec<u8>,
    most: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.most {
            return Err(io::Error::other(TooMuch(self.most)));
        }
        self.bytes.extend_from_slice(bytes);
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

    async fn unpack(body: Vec<u8>, encodings: &str, most: usize) -> Result<Bytes, Rejection> {
        read(Body::from(body), Some(encodings), most).await
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

    #[tokio::test]
    async fn every_encoding_is_undone_and_so_is_a_chain_of_them() {
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
            let unpacked = unpack(body, encodings, 100).await;
            assert_eq!(unpacked.unwrap_or_else(|e| panic!("{encodings}: {e}")), TEXT, "{encodings}");
        }
    }

    #[tokio::test]
    async fn a_broken_stream_is_an_error() {
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
            let refused = unpack(body, encodings, 100).await;
            assert!(matches!(refused, Err(Rejection::Body(_))), "{encodings}: {refused:?}");
        }
        assert!(matches!(unpack(TEXT.to_vec(), "rot13", 100).await, Err(Rejection::Encoding(name)) if name == "rot13"));
        assert!(matches!(unpack(TEXT.to_vec(), "gzip,gzip,gzip,gzip", 100).await, Err(Rejection::Encoding(_))));
    }

    #[tokio::test]
    async fn a_bomb_is_refused_at_the_bound_whatever_it_is_packed_in() {
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
            let refused = unpack(body, encodings, 1 << 19).await;
            assert!(matches!(refused, Err(Rejection::TooLarge(most)) if most == 1 << 19), "{encodings}: {refused:?}");
        }
    }
}
