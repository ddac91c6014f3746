//! Quotas: how much of a category a key, a project, an organisation or the whole installation may send in a window of time.
//!
//! One Lua script per request checks and counts every quota that applies, so what is refused consumes nothing anywhere. A quota
//! that is used up is remembered until its window ends and costs no further look. Without Redis each process counts for itself.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::{app::App, protocol::item::Category};

/// Longer than this, Redis is away and we count ourselves.
const PATIENCE: Duration = Duration::from_millis(80);
/// SDKs ask again after this at the latest, however long the window.
const LONGEST_PAUSE: i64 = 300;
/// How long a counter outlives its window, in seconds: clocks differ.
const AFTERGLOW: i64 = 60;
/// Why we take nothing of a category, as it is counted and told.
pub const FEATURE_DISABLED: &str = "feature_disabled";
/// Counters a process keeps while it counts for itself.
const MOST_COUNTERS: usize = 10_000;

/// Whose quota it is, in Sentry's words; the installation's count as an organisation's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Of an organisation, or of all.
    Organization,
    /// Of a project.
    Project,
    /// Of one of a project's keys.
    Key,
}

/// A quota that applies to a key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Quota {
    /// Its row.
    pub id: i64,
    /// Whose it is.
    pub scope: Scope,
    /// Names of categories; empty for all.
    pub categories: Vec<String>,
    /// How many in a window; bytes for attachments.
    pub most: u64,
    /// The window, in seconds.
    pub window: i64,
    /// What SDKs are told.
    pub reason: String,
}

/// A quota that is used up, as SDKs are told of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Limit {
    /// Seconds until it is worth trying again.
    pub seconds: i64,
    /// As in [`Quota::categories`], in the order of [`Category`].
    pub categories: Vec<Category>,
    /// Whose it is.
    pub scope: Scope,
    /// What SDKs are told.
    pub reason: String,
}

impl Limit {
    /// Tells a sender to spare itself the categories of products that we do not have.
    pub fn of_disabled(mut categories: Vec<Category>) -> Option<Limit> {
        categories.sort_unstable();
        categories.dedup();
        let (seconds, scope, reason) = (LONGEST_PAUSE, Scope::Organization, FEATURE_DISABLED.to_owned());
        (!categories.is_empty()).then_some(Limit { seconds, categories, scope, reason })
    }
}

/// So much of a category stands in one request.
pub type Asked = Vec<(Category, u64)>;

/// For every quota: its counter, its limit, when the counter goes; then for every category: how much, whether it is in bytes, how
/// many quotas apply, and which. Answers the number of the quota that refuses each category, or 0.
static SCRIPT: LazyLock<redis::Script> = LazyLock::new(|| {
    redis::Script::new(
        r"
        local answer, at = {}, 2 * #KEYS + 1
        while at <= #ARGV do
            local asked, in_bytes, count = tonumber(ARGV[at]), ARGV[at + 1] == '1', tonumber(ARGV[at + 2])
            local refused = 0
            for n = at + 3, at + 2 + count do
                local quota = tonumber(ARGV[n])
                local used = tonumber(redis.call('GET', KEYS[quota]) or '0')
                local most = tonumber(ARGV[2 * quota - 1])
                if (in_bytes and used >= most) or (not in_bytes and used + asked > most) then refused = quota break end
            end
            if refused == 0 then
                for n = at + 3, at + 2 + count do
                    local quota = tonumber(ARGV[n])
                    redis.call('INCRBY', KEYS[quota], asked)
                    redis.call('EXPIREAT', KEYS[quota], ARGV[2 * quota])
                end
            end
            answer[#answer + 1] = refused
            at = at + 3 + count
        end
        return answer",
    )
});

/// What a process counts and knows by itself.
#[derive(Debug, Default)]
pub struct Counters(Mutex<HashMap<(i64, i64), u64>>);

impl Counters {
    fn lock(&self) -> MutexGuard<'_, HashMap<(i64, i64), u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Quota {
    fn applies_to(&self, category: Category) -> bool {
        // Sentry's quotas for errors name events of the kind `default` beside them.
        self.categories.is_empty() || self.categories.iter().any(|name| name == category.name())
    }

    fn slot(&self, now: DateTime<Utc>) -> i64 {
        now.timestamp().div_euclid(self.window)
    }

    fn limit(&self, now: DateTime<Utc>) -> Limit {
        let end = (self.slot(now) + 1) * self.window;
        let mut categories: Vec<_> = self.categories.iter().filter_map(|name| Category::parse(name)).collect();
        categories.sort_unstable();
        let seconds = (end - now.timestamp()).clamp(1, LONGEST_PAUSE);
        Limit { seconds, categories, scope: self.scope, reason: self.reason.clone() }
    }
}

/// Counts what is asked for and returns the limit that refuses each category, where one does.
pub async fn take(app: &App, quotas: &[Quota], asked: &Asked) -> HashMap<Category, Limit> {
    if quotas.is_empty() || asked.is_empty() {
        return HashMap::new();
    }
    let now = app.now();
    let refused = match count_in_redis(app, quotas, asked, now).await {
        Ok(refused) => refused,
        Err(error) => {
            tracing::debug!("counting quotas here: {error:#}");
            count_here(&app.quotas, quotas, asked, now)
        }
    };
    let limits = asked.iter().zip(refused);
    limits.filter_map(|((category, _), quota)| Some((*category, quotas.get(quota?)?.limit(now)))).collect()
}

async fn count_in_redis(app: &App, quotas: &[Quota], asked: &Asked, now: DateTime<Utc>) -> Result<Vec<Option<usize>>> {
    let mut connection = app.queue.redis().context("there is no Redis")?;
    let mut call = SCRIPT.prepare_invoke();
    for quota in quotas {
        let slot = quota.slot(now);
        call.key(format!("picket:quota:{}:{slot}", quota.id));
        call.arg(quota.most).arg((slot + 1) * quota.window + AFTERGLOW);
    }
    for (category, quantity) in asked {
        let applying: Vec<usize> =
            (1..=quotas.len()).filter(|number| quotas[number - 1].applies_to(*category)).collect();
        call.arg(*quantity).arg(u8::from(*category == Category::Attachment)).arg(applying.len());
        call.arg(applying);
    }
    let answer: Vec<usize> = tokio::time::timeout(PATIENCE, call.invoke_async(&mut connection)).await??;
    Ok(answer.into_iter().map(|number| number.checked_sub(1)).collect())
}

/// The same as the script, in this process's memory.
fn count_here(counters: &Counters, quotas: &[Quota], asked: &Asked, now: DateTime<Utc>) -> Vec<Option<usize>> {
    let mut counters = counters.lock();
    if counters.len() > MOST_COUNTERS {
        counters.clear();
    }
    let mut decide = |category: Category, quantity: u64| {
        let applying = || quotas.iter().enumerate().filter(move |(_, quota)| quota.applies_to(category));
        for (number, quota) in applying() {
            let used = counters.get(&(quota.id, quota.slot(now))).copied().unwrap_or(0);
            let in_bytes = category == Category::Attachment;
            if (in_bytes && used >= quota.most) || (!in_bytes && used + quantity > quota.most) {
                return Some(number);
            }
        }
        for (_, quota) in applying() {
            *counters.entry((quota.id, quota.slot(now))).or_default() += quantity;
        }
        None
    };
    asked.iter().map(|(category, quantity)| decide(*category, *quantity)).collect()
}

/// The header SDKs read: `60:error;default:organization:quota`, the longest pause first.
pub fn header(limits: &[Limit]) -> String {
    let mut limits: Vec<&Limit> = limits.iter().collect();
    limits.sort_by(|a, b| b.cmp(a));
    limits.dedup();
    let texts = limits.iter().map(|limit| {
        let scope = match limit.scope {
            Scope::Organization => "organization",
            Scope::Project => "project",
            Scope::Key => "key",
        };
        let categories: Vec<&str> = limit.categories.iter().map(|category| category.name()).collect();
        format!("{}:{}:{scope}:{}", limit.seconds, categories.join(";"), limit.reason)
    });
    texts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(id: i64, categories: &[&str], most: u64) -> Quota {
        let categories = categories.iter().map(ToString::to_string).collect();
        Quota { id, scope: Scope::Project, categories, most, window: 60, reason: "quota".into() }
    }

    #[test]
    fn what_is_refused_consumes_nothing_anywhere() {
        let counters = Counters::default();
        let quotas = [quota(1, &[], 3), quota(2, &["error"], 1), quota(3, &["attachment"], 10)];
        let mut now = DateTime::UNIX_EPOCH;
        let asked = |asked: &[(Category, u64)], now| count_here(&counters, &quotas[..2], &asked.to_vec(), now);
        assert_eq!(asked(&[(Category::Error, 1), (Category::Session, 1)], now), [None, None]);
        assert_eq!(asked(&[(Category::Error, 1), (Category::Session, 1)], now), [Some(1), None]);
        assert_eq!(asked(&[(Category::Session, 1)], now), [Some(0)], "what was refused did not count");
        now += chrono::TimeDelta::seconds(60);
        assert_eq!(asked(&[(Category::Error, 1)], now), [None], "a new window");
        let files = |size| count_here(&counters, &quotas[2..], &vec![(Category::Attachment, size)], now);
        assert_eq!((files(9), files(9), files(1)), (vec![None], vec![None], vec![Some(0)]), "files may go over once");
    }

    #[test]
    fn limits_are_told_as_sdks_read_them() {
        let now = DateTime::from_timestamp(90, 0).unwrap();
        let all = Quota { scope: Scope::Key, window: 100_000, ..quota(1, &[], 0) };
        let limits = [quota(2, &["security", "default", "error"], 1).limit(now), all.limit(now), all.limit(now)];
        assert_eq!(header(&limits), "300::key:quota, 30:default;error;security:project:quota");
    }
}
