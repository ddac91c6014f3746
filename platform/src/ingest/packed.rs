//! A gzipped body, kept as it came while it is unpacked: an event travels in it through the queue, at a tenth of its size.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;

use crate::{events::Packed, protocol::envelope::Item};

/// Larger ones are not kept twice in memory.
const MOST_BYTES: usize = 64 << 10;

/// What has come of a body so far.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<Vec<Bytes>>>);

/// Keeps a body while it is read, if that may pay.
pub fn keep(body: Body, content_encoding: Option<&str>) -> (Body, Option<Kept>) {
    let is_small = http_body::Body::size_hint(&body).upper().is_some_and(|size| size <= MOST_BYTES as u64);
    if !is_small || !content_encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case("gzip")) {
        return (body, None);
    }
    let kept = Kept::default();
    let chunks = kept.clone();
    let body = body.map_frame(move |frame| {
        if let Some(chunk) = frame.data_ref() {
            chunks.0.lock().unwrap_or_else(PoisonError::into_inner).push(chunk.clone());
        }
        frame
    });
    (Body::new(body), Some(kept))
}

impl Kept {
    /// The one item of an unpacked body, still packed.
    pub fn only(self, unpacked: &Bytes, items: &[Item]) -> Option<Packed> {
        let [item] = items else { return None };
        let start = item.payload.as_ptr().addr().checked_sub(unpacked.as_ptr().addr())?;
        let place = start..start + item.payload.len();
        let chunks = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let gzip = match chunks.as_slice() {
            [chunk] => chunk.clone(),
            chunks => chunks.concat().into(),
        };
        // Bytes that hardly shrink are not worth unpacking twice.
        (unpacked.get(place.clone()).is_some() && gzip.len() < item.payload.len() / 2).then_some(Packed { gzip, place })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(payload: Bytes) -> Item {
        Item { kind: "event".into(), headers: serde_json::Map::new(), payload }
    }

    #[tokio::test]
    async fn the_one_item_of_a_body_is_found_in_it_packed() {
        let unpacked = Bytes::from_static(b"{}\n{}\n{\"message\":\"hello\"}");
        let read = async || {
            let (body, kept) = keep(Body::from("packed"), Some("GZIP"));
            body.collect().await.unwrap();
            kept.unwrap()
        };
        let only = read().await.only(&unpacked, &[item(unpacked.slice(6..))]);
        assert_eq!(only, Some(Packed { gzip: "packed".into(), place: 6..25 }));
        let several = [item(unpacked.slice(6..)), item(unpacked.slice(3..5))];
        assert_eq!(read().await.only(&unpacked, &several), None);
        assert_eq!(read().await.only(&unpacked, &[item(unpacked.slice(3..5))]), None, "it would not pay");
    }

    #[test]
    fn only_small_gzipped_bodies_are_kept() {
        let cases = [("br", 10), ("gzip, gzip", 10), ("gzip", MOST_BYTES + 1)];
        for (encoding, size) in cases {
            assert!(keep(Body::from(vec![0; size]), Some(encoding)).1.is_none(), "{encoding}, {size} bytes");
        }
        assert!(keep(Body::empty(), None).1.is_none());
    }
}
