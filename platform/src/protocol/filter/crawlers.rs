//! Robots that run a page's scripts, known by their user agents.

/// Parts of names; in lower case.
const NAMES: &[&str] = &[
    "mediapartners-google",
    "adsbot",
    "googlebot",
    "feedfetcher-google",
    "storebot-google",
    "bingbot",
    "bingpreview",
    "baiduspider",
    "slurp",
    "sogou",
    "facebook",
    "meta-",
    "ia_archiver",
    "slack",
    "calypso appcrawler",
    "pingdom",
    "lyticsbot",
    "aws security scanner",
    "hubspot",
    "bytespider",
    "better uptime",
    "cloudflare-healthchecks",
    "gtmetrix",
    "brightedgeoncrawl",
    "elb-healthchecker",
    "gptbot",
    "claudebot",
    "ccbot",
    "perplexitybot",
    "applebot",
    "duckduckbot",
    "oai-searchbot",
    "yandexbot",
    "yeti/",
];
/// Robots on behalf of a person, or our kind's own.
const ALLOWED: &[&str] = &["slackbot 1.", "slackbot/1.", "sentryuptimebot", "chatgpt-user"];
/// How the names of robots end.
const ENDINGS: &[&str] = &["bot", "bots", "spider"];
/// A brand of phones.
const NO_ROBOT: &str = "cubot";

/// Whether a user agent is a robot's.
pub fn is_crawler(agent: &str) -> bool {
    let agent = agent.to_lowercase();
    if ALLOWED.iter().any(|name| agent.contains(name)) {
        return false;
    }
    let mut words = agent.split(|c: char| !c.is_alphanumeric());
    NAMES.iter().any(|name| agent.contains(name))
        || words.any(|word| word != NO_ROBOT && ENDINGS.iter().any(|end| word.ends_with(end)))
}
