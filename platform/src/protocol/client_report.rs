//! What an SDK did not send, in its own words: <https://develop.sentry.dev/sdk/telemetry/client-reports/>.

use serde_json::Value;

use super::{
    item::Category,
    json::{Object, cut},
};

/// Sentry's bound on a reason.
const LONGEST_REASON: usize = 200;
/// Different things one report may tell.
const MOST_ENTRIES: usize = 100;

/// Who decided that it is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The SDK: a full queue, sampling, a filter of its user's.
    Discarded,
    /// A server between the SDK and us.
    Filtered,
    /// We, by a limit we told it of.
    RateLimited,
}

/// One line of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Who decided.
    pub decision: Decision,
    /// What was not sent.
    pub category: Category,
    /// Why, in the SDK's word.
    pub reason: String,
    /// How much.
    pub quantity: u64,
}

const LISTS: [(&str, Decision); 4] = [
    ("discarded_events", Decision::Discarded),
    ("filtered_events", Decision::Filtered),
    ("filtered_sampling_events", Decision::Filtered),
    ("rate_limited_events", Decision::RateLimited),
];

/// Reads a report; what makes no sense in it is left out.
pub fn read(payload: &[u8]) -> Vec<Entry> {
    let report: Object = serde_json::from_slice(payload).unwrap_or_default();
    let entries = LISTS.iter().flat_map(|(list, decision)| {
        let told = report.get(*list).and_then(Value::as_array);
        told.into_iter().flatten().filter_map(|told| entry(told, *decision))
    });
    entries.take(MOST_ENTRIES).collect()
}

fn entry(told: &Value, decision: Decision) -> Option<Entry> {
    let quantity = told["quantity"].as_u64().filter(|quantity| (1..1 << 40).contains(quantity))?;
    let category = Category::parse(told["category"].as_str()?).unwrap_or(Category::Unknown);
    let reason = cut(&told["reason"].as_str()?.replace('\0', ""), LONGEST_REASON);
    Some(Entry { decision, category, reason, quantity })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_makes_sense_in_a_report_is_read() {
        let report = json!({
            "timestamp": 1,
            "discarded_events": [
                {"reason": "queue_overflow", "category": "error", "quantity": 23},
                {"reason": "sample_rate", "category": "from_the_future", "quantity": 1},
                {"reason": "before_send", "category": "error", "quantity": -1},
                {"category": "error", "quantity": 1},
                7,
            ],
            "rate_limited_events": [{"reason": "quota", "category": "session", "quantity": 2}],
        });
        let told =
            |decision, category, reason: &str, quantity| Entry { decision, category, reason: reason.into(), quantity };
        let expected = [
            told(Decision::Discarded, Category::Error, "queue_overflow", 23),
            told(Decision::Discarded, Category::Unknown, "sample_rate", 1),
            told(Decision::RateLimited, Category::Session, "quota", 2),
        ];
        assert_eq!(read(report.to_string().as_bytes()), expected);
        assert_eq!(read(b"no report"), []);
    }
}
