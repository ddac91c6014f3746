//! What queries mean, said a second time and slowly: each condition is a text to type and a question to every event.
//!
//! It knows nothing of the platform's parser or of its SQL.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::model::{Event, Issue};

pub type OfEvent = Box<dyn Fn(&Event) -> bool>;
type OfIssue = Box<dyn Fn(&Issue, DateTime<Utc>) -> bool>;

/// What a condition is about.
enum About {
    /// Any event that is so, or with `!` any that is not.
    Events(OfEvent),
    Issue(OfIssue),
}

/// A condition as it is typed, and what it means.
pub struct Leaf {
    pub text: String,
    about: About,
}

impl Leaf {
    /// What it asks of an event.
    pub fn of_event(&self) -> Option<&OfEvent> {
        match &self.about {
            About::Events(is_so) => Some(is_so),
            About::Issue(_) => None,
        }
    }

    fn holds(&self, issue: &Issue, now: DateTime<Utc>, is_negated: bool) -> bool {
        match &self.about {
            About::Events(is_so) => issue.events.iter().any(|event| is_so(event) != is_negated),
            About::Issue(is_so) => is_so(issue, now) != is_negated,
        }
    }
}

/// A query, made up by the story.
#[derive(Clone, Debug)]
pub enum Query {
    Leaf { nth: usize, is_negated: bool },
    All(Vec<Query>),
    Any(Vec<Query>),
}

impl Query {
    pub fn text(&self, leaves: &[Leaf]) -> String {
        let join = |parts: &[Query], word: &str| {
            let parts: Vec<String> = parts.iter().map(|part| part.text(leaves)).collect();
            format!("({})", parts.join(word))
        };
        match self {
            Query::Leaf { nth, is_negated } => format!("{}{}", if *is_negated { "!" } else { "" }, leaves[*nth].text),
            Query::All(parts) => join(parts, if parts.len().is_multiple_of(2) { " " } else { " AND " }),
            Query::Any(parts) => join(parts, " OR "),
        }
    }

    pub fn holds(&self, leaves: &[Leaf], issue: &Issue, now: DateTime<Utc>) -> bool {
        match self {
            Query::Leaf { nth, is_negated } => leaves[*nth].holds(issue, now, *is_negated),
            Query::All(parts) => parts.iter().all(|part| part.holds(leaves, issue, now)),
            Query::Any(parts) => parts.iter().any(|part| part.holds(leaves, issue, now)),
        }
    }
}

/// Queries of any shape.
pub fn queries(leaves: usize) -> impl Strategy<Value = Query> {
    let leaf = (0..leaves, any::<bool>()).prop_map(|(nth, is_negated)| Query::Leaf { nth, is_negated });
    leaf.prop_recursive(3, 12, 4, |part| {
        let parts = prop::collection::vec(part, 1..4);
        prop_oneof![parts.clone().prop_map(Query::All), parts.prop_map(Query::Any)]
    })
}

/// Every kind of condition.
pub fn leaves(now: DateTime<Utc>) -> Vec<Leaf> {
    let mut leaves = of_tags();
    leaves.extend(of_users_and_traits());
    leaves.extend(of_issues());
    leaves.extend(of_times(now));
    leaves
}

fn events(text: &str, is_so: impl Fn(&Event) -> bool + 'static) -> Leaf {
    Leaf { text: text.to_owned(), about: About::Events(Box::new(is_so)) }
}

fn issues(text: &str, is_so: impl Fn(&Issue) -> bool + 'static) -> Leaf {
    Leaf { text: text.to_owned(), about: About::Issue(Box::new(move |issue, _| is_so(issue))) }
}

fn tag(text: &str, key: &'static str, is_so: impl Fn(&str) -> bool + 'static) -> Leaf {
    events(text, move |event| event.tags.get(key).is_some_and(|value| is_so(value)))
}

fn of_tags() -> Vec<Leaf> {
    let has = |text: &str, key: &'static str| events(text, move |event| event.tags.contains_key(key));
    vec![
        tag("region:eu", "region", |value| value == "eu"),
        tag("region:EU", "region", |value| value == "EU"),
        tag("region:asia", "region", |_| false),
        tag("region:a*", "region", |value| value.to_lowercase().starts_with('a')),
        tag("region:[eu, us]", "region", |value| value == "eu" || value == "us"),
        tag("region in [us, a*]", "region", |value| value == "us" || value == "Asia"),
        has("has:region", "region"),
        has("region:*", "region"),
        tag(r#"plan:"gold plus""#, "plan", |value| value == "gold plus"),
        tag("plan:gold*", "plan", |value| value.starts_with("gold")),
        tag("plan:*%", "plan", |value| value == "50%"),
        tag(r"plan:a\*b", "plan", |value| value == "a*b"),
        tag("plan:a*b", "plan", |value| value == "a*b"),
        tag(r#"plan:"say \"hi\"""#, "plan", |value| value == r#"say "hi""#),
        tag(r"plan:C:\temp", "plan", |value| value == r"C:\temp"),
        tag("plan:中*", "plan", |value| value == "中国"),
        tag("tags[plan]:gold", "plan", |value| value == "gold"),
        has("has:plan", "plan"),
        tag("nothing:here", "nothing", |_| true),
        has("has:nothing", "nothing"),
        tag("level:error", "level", |value| value == "error"),
        tag("level:[fatal, warn]", "level", |value| value == "fatal" || value == "warning"),
        tag("environment:production", "environment", |value| value == "production"),
        tag("environment:[dev, staging]", "environment", |value| value != "production"),
        has("has:environment", "environment"),
        tag("release:shop@1.2.0", "release", |value| value == "shop@1.2.0"),
        tag("release:shop@*", "release", |value| value.starts_with("shop@")),
        tag("release:shop@*.0.*", "release", |value| matches!(value, "shop@1.0.0" | "shop@2.0.0-rc.1" | "shop@2.0.0")),
        tag("release.version:>1.2.0", "release", |value| {
            matches!(value, "shop@1.10.0" | "shop@2.0.0-rc.1" | "shop@2.0.0" | "cart@9.1")
        }),
        tag("release.version:<2.0.0", "release", |value| {
            matches!(value, "shop@1.0.0" | "shop@1.2.0" | "shop@1.10.0" | "shop@2.0.0-rc.1")
        }),
        tag("release.version:>=shop@2.0.0-rc.1", "release", |value| matches!(value, "shop@2.0.0-rc.1" | "shop@2.0.0")),
        tag("release.version:1.2", "release", |value| value == "shop@1.2.0"),
        tag("release.package:cart", "release", |value| value == "cart@9.1"),
        has("has:release", "release"),
        tag("transaction:/cart/", "transaction", |value| value == "/cart/"),
        tag("transaction:*{id}", "transaction", |value| value.ends_with("{id}")),
        tag("error.handled:true", "handled", |value| value == "yes"),
        tag("error.unhandled:true", "handled", |value| value == "no"),
        tag("error.mechanism:generic", "mechanism", |value| value == "generic"),
        tag("http.url:https://shop.example/cart", "url", |_| true),
    ]
}

fn of_users_and_traits() -> Vec<Leaf> {
    let user = |text: &str, is_so: fn(u32) -> bool| events(text, move |event| event.user.is_some_and(is_so));
    let any = |text: &str, is_so: fn(&Event) -> bool| issues(text, move |issue| issue.events.iter().any(is_so));
    vec![
        user("user:id:7", |user| user == 7),
        user("user:7", |user| user == 7),
        user("user:id:1*", |user| user == 1 || user >= 10),
        user("user:[id:1, id:2]", |user| user == 1 || user == 2),
        user("has:user", |_| true),
        user("user.id:12", |user| user == 12),
        user("user.email:*@x.cn", |user| user.is_multiple_of(3)),
        user("user.email:U3@X.CN", |user| user == 3),
        user("user.username:user1*", |user| user == 1 || user >= 10),
        user("has:user.email", |_| true),
        user("has:user.ip", |_| false),
        any("error.type:KeyError", |event| event.kind == "KeyError"),
        any("error.type:*Error", |event| event.kind != "Timeout"),
        any("error.type:[KeyError, Timeout]", |event| matches!(event.kind, "KeyError" | "Timeout")),
        any(r#"error.value:"division by zero""#, |event| event.value == "division by zero"),
        any("error.value:*100%*", |event| event.value == "100% wrong"),
        any("error.value:it_is", |event| event.value == "it_is"),
        any("stack.function:add", |event| event.function == "add"),
        any("stack.function:[remove, pay]", |event| matches!(event.function, "remove" | "pay")),
        any("stack.module:shop.*", |_| true),
        any("http.method:POST", |event| event.method == "POST"),
        any("has:http.method", |event| !event.method.is_empty()),
        any("has:os.version", |_| false),
        any("sdk.name:sentry.story", |_| true),
    ]
}

fn of_issues() -> Vec<Leaf> {
    let text_has = |text: &str, part: &'static str| {
        issues(text, move |issue| {
            let both = [issue.title().to_lowercase(), issue.latest().transaction.to_lowercase()];
            both.iter().any(|text| text.contains(part))
        })
    };
    vec![
        issues("is:unresolved", |issue| issue.status == "unresolved"),
        issues("is:resolved", |issue| issue.status == "resolved"),
        issues("is:ignored", |issue| issue.status == "ignored"),
        issues("is:assigned", |issue| issue.assigned.is_some()),
        issues("is:unassigned", |issue| issue.assigned.is_none()),
        issues("assigned:me", |issue| issue.assigned == Some("me")),
        issues("assigned:grace@example.com", |issue| issue.assigned == Some("grace")),
        issues("assigned:#checkout", |issue| issue.assigned == Some("checkout")),
        issues("assigned:my_teams", |issue| issue.assigned == Some("checkout")),
        issues("assigned:none", |issue| issue.assigned.is_none()),
        issues("assigned:[me, #checkout, none]", |issue| issue.assigned != Some("grace")),
        issues("assigned:nobody@example.com", |_| false),
        issues("bookmarks:me", |issue| issue.is_bookmarked),
        issues("bookmarks:grace@example.com", |_| false),
        issues("subscribed:me", |issue| issue.is_subscribed),
        issues("times_seen:1", |issue| issue.times() == 1),
        issues("times_seen:>10", |issue| issue.times() > 10),
        issues("timesSeen:<=5", |issue| issue.times() <= 5),
        issues("times_seen:[1, 2, 3]", |issue| issue.times() <= 3),
        issues("users_seen:>=5", |issue| issue.users() >= 5),
        issues("userCount:0", |issue| issue.users() == 0),
        issues("title:keyerror*", |issue| issue.title().starts_with("KeyError")),
        issues(r#"title:"timeout: umbrella""#, |issue| issue.title() == "Timeout: umbrella"),
        issues("title:*100%*", |issue| issue.title().contains("100%")),
        issues("culprit:/cart/", |issue| issue.latest().transaction == "/cart/"),
        issues("culprit:*{id}", |issue| issue.latest().transaction == "/checkout/{id}"),
        issues("has:culprit", |_| true),
        issues("platform:python", |issue| issue.latest().platform == "python"),
        issues("platform:[java*, go]", |issue| issue.latest().platform == "java"),
        issues("event.type:error", |_| true),
        issues("event.type:csp", |_| false),
        text_has("message:umbrella", "umbrella"),
        text_has(r#"message:"DIVISION by""#, "division by"),
        text_has("message:100%", "100%"),
        text_has("message:it_", "it_"),
        issues("message:key*zero", |issue| issue.title() == "KeyError: division by zero"),
        issues("project:shop", |_| true),
        issues("project:c*", |_| false),
        issues("issue:SHOP-7", |issue| issue.short_id == 7),
        issues("issue:[shop-1, SHOP-2, CART-3]", |issue| issue.short_id <= 2),
        issues("first_release:shop@1.0.0", |issue| {
            issue.first().tags.get("release").is_some_and(|v| v == "shop@1.0.0")
        }),
        issues("firstRelease:shop@*", |issue| {
            issue.first().tags.get("release").is_some_and(|v| v.starts_with("shop@"))
        }),
    ]
}

fn of_times(now: DateTime<Utc>) -> Vec<Leaf> {
    let at = |text: &str, is_so: fn(&Issue, DateTime<Utc>) -> bool| Leaf {
        text: text.to_owned(),
        about: About::Issue(Box::new(is_so)),
    };
    let day = (now - TimeDelta::days(5)).date_naive();
    let midnight = day.and_time(chrono::NaiveTime::MIN).and_utc();
    let next = midnight + TimeDelta::days(1);
    vec![
        at("age:-24h", |issue, now| issue.first().at >= now - TimeDelta::hours(24)),
        at("age:+3d", |issue, now| issue.first().at <= now - TimeDelta::days(3)),
        at("firstSeen:-2w", |issue, now| issue.first().at >= now - TimeDelta::weeks(2)),
        at("last_seen:-12h", |issue, now| issue.latest().at >= now - TimeDelta::hours(12)),
        at("lastSeen:+1d", |issue, now| issue.latest().at <= now - TimeDelta::days(1)),
        at("timestamp:-6h", |issue, now| issue.events.iter().any(|event| event.at >= now - TimeDelta::hours(6))),
        issues(&format!("first_seen:>{day}"), move |issue| issue.first().at > midnight),
        issues(&format!("first_seen:{day}"), move |issue| issue.first().at >= midnight && issue.first().at < next),
        issues(&format!("last_seen:<={day}T12:30"), move |issue| {
            issue.latest().at <= midnight + TimeDelta::minutes(12 * 60 + 30)
        }),
        issues(&format!("timestamp:{day}"), move |issue| {
            issue.events.iter().any(|event| event.at >= midnight && event.at < next)
        }),
        issues(&format!("event.timestamp:<{day}"), move |issue| issue.events.iter().any(|event| event.at < midnight)),
    ]
}
