//! The rows of events, in the binary form of PostgreSQL's `COPY`: it costs the server half of what `INSERT` does.
//!
//! <https://www.postgresql.org/docs/current/sql-copy.html>. `COPY` knows no `on conflict`: that an event is not there already
//! has been asked before, and where another worker was faster, the batch begins again.

use chrono::{DateTime, NaiveDate, Utc};

use super::{Placed, Tx};

const COPY: &str = "copy events (project_id, id, received_on, received_at, occurred_at, issue_id, level, platform, effect, body, \
                    tags, hash) from stdin (format binary)";
const FIELDS: i16 = 12;
/// Signature, flags, and no extension.
const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const END: i16 = -1;
/// PostgreSQL's number for `bigint`.
const BIGINT: i32 = 20;
/// 2000-01-01, where PostgreSQL's time begins.
const EPOCH_SECONDS: i64 = 946_684_800;
const EPOCH_DAY: NaiveDate = NaiveDate::from_ymd_opt(2000, 1, 1).expect("it is a day");

/// Writes the events. They are in the order of their issues and times, which is how they are read.
pub(super) async fn insert_events(tx: &mut Tx<'_>, placed: &[Placed<'_>]) -> sqlx::Result<()> {
    if placed.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::new(placed.iter().map(|placed| placed.event.body.len() + 512).sum());
    for placed in placed {
        rows.add(placed);
    }
    let mut copy = tx.copy_in_raw(COPY).await?;
    copy.send(rows.finish()).await?;
    copy.finish().await.map(|_| ())
}

struct Rows(Vec<u8>);

impl Rows {
    fn new(capacity: usize) -> Rows {
        let mut bytes = Vec::with_capacity(capacity);
        bytes.extend_from_slice(HEAD);
        Rows(bytes)
    }

    fn finish(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&END.to_be_bytes());
        self.0
    }

    fn add(&mut self, placed: &Placed<'_>) {
        let event = placed.event;
        self.0.extend_from_slice(&FIELDS.to_be_bytes());
        self.field(&event.received.project.0.to_be_bytes());
        self.field(event.received.id.0.as_bytes());
        self.date(event.received.received_at.date_naive());
        self.time(event.received.received_at);
        self.time(event.occurred_at);
        self.field(&placed.issue.0.to_be_bytes());
        self.field(&(event.level as i16).to_be_bytes());
        self.field(event.platform.as_bytes());
        self.field(&(placed.effect as i16).to_be_bytes());
        self.field(&event.body);
        self.numbers(&placed.stored_numbers());
        self.field(&event.fingerprint.short().to_be_bytes());
    }

    fn field(&mut self, value: &[u8]) {
        self.length(value.len());
        self.0.extend_from_slice(value);
    }

    /// A longer value is refused by PostgreSQL; no body comes near it.
    fn length(&mut self, length: usize) {
        self.0.extend_from_slice(&i32::try_from(length).unwrap_or(i32::MAX).to_be_bytes());
    }

    fn date(&mut self, day: NaiveDate) {
        let days = i32::try_from((day - EPOCH_DAY).num_days()).unwrap_or(i32::MAX);
        self.field(&days.to_be_bytes());
    }

    fn time(&mut self, time: DateTime<Utc>) {
        self.field(&(time.timestamp_micros() - EPOCH_SECONDS * 1_000_000).to_be_bytes());
    }

    fn numbers(&mut self, numbers: &[i64]) {
        const NULLS: i32 = 0;
        const FIRST: i32 = 1;
        if numbers.is_empty() {
            return self.field(&[0, NULLS, BIGINT].map(i32::to_be_bytes).concat());
        }
        self.length(5 * 4 + numbers.len() * 12);
        for word in [1, NULLS, BIGINT, i32::try_from(numbers.len()).unwrap_or(i32::MAX), FIRST] {
            self.0.extend_from_slice(&word.to_be_bytes());
        }
        for number in numbers {
            self.field(&number.to_be_bytes());
        }
    }
}
