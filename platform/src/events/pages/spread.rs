//! How an issue's events spread over the values of their tags, and when each was first and last seen.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::{
    app::App,
    issues::{
        Issue,
        search::typed,
        tags::{self, Value},
    },
    ui::{self, Phrases, When},
    web::Error,
};

/// Values of each key that are told apart.
pub const TOLD: i64 = 4;
/// Keys beside an event, these first.
const KEYS: usize = 9;
const FIRST: [&str; 4] = ["environment", "release", "user", "server_name"];

/// The keys.
pub struct Spread {
    pub keys: Vec<KeySpread>,
}

/// The values of a key.
pub struct KeySpread {
    pub key: String,
    pub parts: Vec<Part>,
    pub values: Vec<ValueSpread>,
    /// The share of all other values, where there are any.
    pub others: Option<String>,
}

/// A part of the bar, in hundredths.
pub struct Part {
    pub nth: usize,
    pub x: i64,
    pub width: i64,
}

/// A value.
pub struct ValueSpread {
    pub nth: usize,
    pub text: String,
    pub share: String,
    pub events: String,
    /// The search of the issue's events that finds it.
    pub query: String,
    pub first_seen: When,
    pub last_seen: When,
}

impl Spread {
    /// Reads the most important keys.
    pub async fn read(app: &App, issue: &Issue, phrases: &Phrases) -> Result<Spread, Error> {
        let now = app.now();
        let mut keys = KeySpread::of(tags::top(&app.db, issue, TOLD).await?, issue.times_seen, (now, phrases));
        let place = |key: &str| FIRST.iter().position(|first| *first == key).unwrap_or(FIRST.len());
        keys.sort_by_key(|spread| place(&spread.key));
        keys.retain(|spread| !matches!(spread.key.as_str(), "level" | "handled" | "mechanism"));
        keys.truncate(KEYS);
        Ok(Spread { keys })
    }
}

impl KeySpread {
    fn of(values: Vec<(String, Value)>, events: i64, (now, phrases): (DateTime<Utc>, &Phrases)) -> Vec<KeySpread> {
        let mut keys: Vec<KeySpread> = Vec::new();
        let mut told: BTreeMap<String, i64> = BTreeMap::new();
        for (key, value) in values {
            if keys.last().is_none_or(|last| last.key != key) {
                keys.push(KeySpread { key: key.clone(), parts: Vec::new(), values: Vec::new(), others: None });
            }
            let Some(spread) = keys.last_mut() else { continue };
            let nth = spread.values.len();
            *told.entry(key.clone()).or_default() += value.events;
            let x = spread.parts.last().map_or(0, |part| part.x + part.width);
            let width = (value.events.min(events) * 100 / events.max(1)).clamp(i64::from(x < 100), 100 - x);
            spread.parts.push(Part { nth, x, width });
            spread.values.push(ValueSpread {
                nth,
                text: tags::name(&key, &value),
                share: tags::share(value.events, events),
                events: ui::count(value.events),
                query: ui::query(&[("query", Some(&typed(&key, &value.value)))]),
                first_seen: When::new(value.first_seen, now, phrases),
                last_seen: When::new(value.last_seen, now, phrases),
            });
        }
        for spread in &mut keys {
            let rest = events - told.get(&spread.key).copied().unwrap_or(0);
            spread.others = (rest > 0).then(|| tags::share(rest, events));
        }
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::Language;

    fn value(text: &str, events: i64) -> (String, Value) {
        let seen = crate::app::now();
        let value = Value {
            value: text.into(),
            events,
            first_seen: seen,
            last_seen: seen,
            email: None,
            username: None,
            ip: None,
            user_id: None,
        };
        ("browser".to_owned(), value)
    }

    #[test]
    fn parts_stand_side_by_side_and_never_beyond_the_whole() {
        let values = vec![value("Firefox", 60), value("Safari", 39), value("Lynx", 0)];
        let spread = KeySpread::of(values, 100, (crate::app::now(), Language::English.phrases()));
        let parts: Vec<_> = spread[0].parts.iter().map(|part| (part.x, part.width)).collect();
        assert_eq!(parts, [(0, 60), (60, 39), (99, 1)]);
        assert_eq!((spread[0].others.as_deref(), spread[0].values[2].share.as_str()), (Some("1 %"), "< 1 %"));
        let most =
            KeySpread::of(vec![value("a", 9), value("b", 9)], 10, (crate::app::now(), Language::English.phrases()));
        assert_eq!(most[0].parts.iter().map(|part| part.width).sum::<i64>(), 100);
    }
}
