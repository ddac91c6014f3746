//! Issues and events as a story makes them up, kept in memory to compare with what the platform answers.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};

pub const ISSUES: usize = 150;
pub const EVENTS: usize = 2500;

const LEVELS: &[&str] = &["fatal", "error", "warning", "info", "debug"];
const ENVIRONMENTS: &[&str] = &["production", "production", "production", "staging", "dev", ""];
pub const RELEASES: &[&str] =
    &["shop@1.0.0", "shop@1.2.0", "shop@1.10.0", "shop@2.0.0-rc.1", "shop@2.0.0", "cart@9.1", "f00ba4", ""];
const REGIONS: &[&str] = &["eu", "us", "Asia", "", ""];
const PLANS: &[&str] = &["gold", "gold plus", "50%", "a*b", r#"say "hi""#, r"C:\temp", "中国", ""];
const TYPES: &[&str] = &["KeyError", "ValueError", "Timeout", "GoneError"];
const VALUES: &[&str] = &["umbrella", "division by zero", "100% wrong", "it_is", "no (really) no"];
const FUNCTIONS: &[&str] = &["add", "remove", "pay", "main"];
const TRANSACTIONS: &[&str] = &["/cart/", "/checkout/{id}", "shop.tasks.mail"];
const METHODS: &[&str] = &["GET", "POST", ""];

#[derive(Clone, Debug)]
pub struct Event {
    pub id: String,
    pub at: DateTime<Utc>,
    pub issue: usize,
    pub kind: &'static str,
    pub value: &'static str,
    pub transaction: &'static str,
    pub function: &'static str,
    pub method: &'static str,
    pub user: Option<u32>,
    pub platform: &'static str,
    /// What it is tagged with, derived tags too.
    pub tags: BTreeMap<&'static str, String>,
}

#[derive(Clone, Debug, Default)]
pub struct Issue {
    /// As the platform numbers it.
    pub id: i64,
    pub short_id: i64,
    pub events: Vec<Event>,
    pub status: String,
    pub assigned: Option<&'static str>,
    pub is_bookmarked: bool,
    pub is_subscribed: bool,
}

impl Event {
    pub fn email(&self) -> Option<String> {
        let user = self.user?;
        Some(format!("u{user}@{}", if user.is_multiple_of(3) { "x.cn" } else { "y.example" }))
    }

    /// As an SDK sends it.
    pub fn json(&self) -> Value {
        let tag = |name: &str| self.tags.get(name).cloned();
        let tags: BTreeMap<&str, &String> = self
            .tags
            .iter()
            .filter(|(name, _)| matches!(**name, "region" | "plan"))
            .map(|(name, value)| (*name, value))
            .collect();
        let mut event = json!({
            "event_id": self.id, "timestamp": self.at.to_rfc3339(), "platform": self.platform, "level": tag("level"),
            "environment": tag("environment"), "release": tag("release"), "transaction": self.transaction, "tags": tags,
            "fingerprint": [format!("issue {}", self.issue)], "sdk": {"name": "sentry.story", "version": "1.0"},
            "exception": {"values": [{"type": self.kind, "value": self.value, "mechanism": {"type": "generic", "handled": tag("handled").as_deref() == Some("yes")},
                "stacktrace": {"frames": [{"function": self.function, "filename": "shop/cart.py", "module": "shop.cart", "in_app": true, "lineno": 7}]}}]},
        });
        if let Some(user) = self.user {
            event["user"] = json!({"id": user.to_string(), "email": self.email(), "username": format!("User{user}")});
        }
        if !self.method.is_empty() {
            event["request"] = json!({"method": self.method, "url": "https://shop.example/cart"});
        }
        event
    }
}

impl Issue {
    pub fn latest(&self) -> &Event {
        self.events.iter().max_by_key(|event| event.at).expect("every issue has events")
    }

    pub fn first(&self) -> &Event {
        self.events.iter().min_by_key(|event| event.at).expect("every issue has events")
    }

    pub fn title(&self) -> String {
        let latest = self.latest();
        format!("{}: {}", latest.kind, latest.value)
    }

    pub fn users(&self) -> i64 {
        let users: std::collections::BTreeSet<u32> = self.events.iter().filter_map(|event| event.user).collect();
        i64::try_from(users.len()).expect("they are few")
    }

    pub fn times(&self) -> i64 {
        i64::try_from(self.events.len()).expect("they are few")
    }
}

/// The same issues every time, ending now.
pub fn issues(now: DateTime<Utc>) -> Vec<Issue> {
    let mut random = StdRng::seed_from_u64(6);
    let mut issues = vec![Issue::default(); ISSUES];
    for nth in 0..EVENTS {
        // Every issue has an event, and some have many.
        let last = random.random_range(0..ISSUES);
        let issue = if nth < ISSUES { nth } else { random.random_range(0..=last) };
        let event = event(&mut random, issue, now);
        issues[issue].events.push(event);
    }
    issues
}

fn event(random: &mut StdRng, issue: usize, now: DateTime<Utc>) -> Event {
    let mut pick = |from: &'static [&'static str]| *from.choose(random).expect("it is not empty");
    let mut tags = BTreeMap::new();
    let method = pick(METHODS);
    let (kind, transaction) = (TYPES[issue % TYPES.len()], pick(TRANSACTIONS));
    for (key, value) in [
        ("level", pick(LEVELS)),
        ("environment", pick(ENVIRONMENTS)),
        ("release", pick(RELEASES)),
        ("region", pick(REGIONS)),
        ("plan", pick(PLANS)),
        ("transaction", transaction),
        ("handled", pick(&["yes", "no"])),
        ("mechanism", "generic"),
        ("url", if method.is_empty() { "" } else { "https://shop.example/cart" }),
    ] {
        if !value.is_empty() {
            tags.insert(key, value.to_owned());
        }
    }
    let (value, function) = (pick(VALUES), FUNCTIONS[issue % 3]);
    let user = Some(random.random_range(0..25)).filter(|user| *user < 20);
    if let Some(user) = user {
        tags.insert("user", format!("id:{user}"));
    }
    // Early issues are old as well as frequent.
    let seconds = random.random_range(60..20 * 86_400 - i64::try_from(issue).expect("it is small") * 6_000);
    // Nothing lies so close to what a query asks for that it matters how long the story takes.
    let is_close = |border: &i64| (seconds - border * 3600).abs() < 1800;
    let seconds = seconds + if [6, 12, 24, 72, 14 * 24].iter().any(is_close) { 3600 } else { 0 };
    Event {
        id: uuid::Uuid::from_u128(random.random()).simple().to_string(),
        at: now - TimeDelta::seconds(seconds) - TimeDelta::microseconds(random.random_range(0..1_000_000)),
        issue,
        kind,
        value,
        transaction,
        function,
        method,
        user,
        platform: if issue.is_multiple_of(4) { "java" } else { "python" },
        tags,
    }
}
