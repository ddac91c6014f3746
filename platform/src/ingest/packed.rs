//! A gzipped body, kept as it came: an event travels in it through the queue, at a tenth of its size.

use super::body::Arrived;
use crate::{events::Packed, protocol::envelope::Item};

/// The one item of a body, still packed; none where that does not pay.
pub fn only(body: &Arrived, items: &[Item]) -> Option<Packed> {
    let [item] = items else { return None };
    let gzip = body.packed.as_ref()?;
    let start = item.payload.as_ptr().addr().checked_sub(body.unpacked.as_ptr().addr())?;
    let place = start..start + item.payload.len();
    // Bytes that hardly shrink are not worth unpacking twice.
    let pays = gzip.len() < item.payload.len() / 2;
    (pays && body.unpacked.get(place.clone()).is_some()).then(|| Packed { gzip: gzip.clone(), place })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn item(payload: Bytes) -> Item {
        Item { kind: "event".into(), headers: serde_json::Map::new(), payload }
    }

    #[test]
    fn the_one_item_of_a_body_is_found_in_it_packed() {
        let unpacked = Bytes::from_static(b"{}\n{}\n{\"message\":\"hello\"}");
        let body =
            |packed: Option<&'static str>| Arrived { unpacked: unpacked.clone(), packed: packed.map(Bytes::from) };
        let one = [item(unpacked.slice(6..))];
        assert_eq!(only(&body(Some("packed")), &one), Some(Packed { gzip: "packed".into(), place: 6..25 }));
        assert_eq!(only(&body(None), &one), None);
        let several = [item(unpacked.slice(6..)), item(unpacked.slice(3..5))];
        assert_eq!(only(&body(Some("packed")), &several), None);
        assert_eq!(only(&body(Some("packed")), &[item(unpacked.slice(3..5))]), None, "it would not pay");
    }
}
