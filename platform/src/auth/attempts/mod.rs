//! Who tries too often: each failure makes the next wait longer, for the account that is tried and for the address it is tried
//! from. An account that is not there is treated as one that is. What was typed is kept as a hash only: people type passwords
//! where their name belongs.

mod store;

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// What was typed as email or username.
    Account(&'a str),
    /// Where it was typed. Many people may share one.
    Address(&'a str),
    /// Mails that set a password, by email.
    Recovery(&'a str),
}

impl Subject<'_> {
    fn key(self) -> String {
        let (kind, text) = match self {
            Subject::Account(typed) => ("account", typed),
            Subject::Address(address) => ("address", address),
            Subject::Recovery(email) => ("recovery", email),
        };
        let hash = Sha256::digest(text.trim().to_lowercase().as_bytes());
        format!("{kind} {}", super::hex(&hash[..16]))
    }

    /// How many failures cost nothing, and the longest wait.
    fn bounds(self) -> (u32, TimeDelta) {
        match self {
            // Whoever fails on purpose can make somebody else wait: not for long.
            Subject::Account(_) => (5, TimeDelta::minutes(5)),
            Subject::Address(_) => (20, TimeDelta::minutes(15)),
            Subject::Recovery(_) => (2, TimeDelta::hours(1)),
        }
    }

    /// How long to wait after so many failures: a second, and twice as long each time.
    pub fn wait(self, failures: u32) -> TimeDelta {
        let (free, longest) = self.bounds();
        match failures.checked_sub(free) {
            None | Some(0) => TimeDelta::zero(),
            Some(over) => TimeDelta::seconds(1 << over.saturating_sub(1).min(20)).min(longest),
        }
    }
}

/// How long is still to wait, if it is.
pub async fn blocked(db: &PgPool, subjects: &[Subject<'_>], now: DateTime<Utc>) -> Result<Option<TimeDelta>> {
    let keys: Vec<String> = subjects.iter().map(|subject| subject.key()).collect();
    let until = store::blocked_until(db, &keys).await.context("looking for earlier attempts")?;
    Ok(until.map(|until| until - now).filter(|wait| *wait > TimeDelta::zero()))
}

/// Counts a failure.
pub async fn failed(db: &PgPool, subjects: &[Subject<'_>], now: DateTime<Utc>) -> Result<()> {
    for subject in subjects {
        let mut tx = db.begin().await.context("counting a failure")?;
        let failures = store::count(&mut *tx, &subject.key(), now).await.context("counting a failure")?;
        let until = now + subject.wait(u32::try_from(failures).unwrap_or(u32::MAX));
        store::block(&mut *tx, &subject.key(), until).await.context("counting a failure")?;
        tx.commit().await.context("counting a failure")?;
    }
    Ok(())
}

/// Forgets the failures of who has signed in. Those of the address stay: a guesser may have an account too.
pub async fn succeeded(db: &PgPool, account: Subject<'_>) -> Result<()> {
    store::forget(db, &account.key()).await.context("forgetting failures")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_its_longest() {
        let account = Subject::Account("ada");
        let waits: Vec<i64> = [0, 5, 6, 7, 8, 14, 15, 40].map(|failures| account.wait(failures).num_seconds()).into();
        assert_eq!(waits, [0, 0, 1, 2, 4, 256, 300, 300]);
        assert_eq!(Subject::Address("192.0.2.1").wait(20), TimeDelta::zero());
        assert_eq!(Subject::Address("192.0.2.1").wait(u32::MAX), TimeDelta::minutes(15));
    }

    #[test]
    fn what_is_typed_is_not_kept() {
        let key = Subject::Account("correct horse").key();
        assert!(!key.contains("horse") && key == Subject::Account(" Correct Horse ").key());
        assert_ne!(key, Subject::Address("correct horse").key());
    }
}
