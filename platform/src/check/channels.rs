//! The channels of the configuration: whether they can be read, and whether DingTalk's robots let us in. Nothing is sent that
//! a group would see. Other kinds cannot be tried without a message, and are not.

use reqwest::Url;
use uuid::Uuid;

use super::{Finding, Reason, reach::reach};
use crate::{
    app::now,
    channels::{
        Kind,
        configured::{self, Configured},
        dingtalk::{self, DingTalk},
        message::Sending,
    },
    config::Config,
    outbound::{Answer, Outbound, Unanswered},
    ui::Language,
};

const SETTING: &str = "SENTRY_CHANNELS";

/// Whether the list can be read.
pub fn settings(config: &Config) -> Finding {
    match configured::read(config) {
        Ok(channels) if channels.is_empty() => Finding::new(Reason::NotConfigured, "SENTRY_CHANNELS names none"),
        Ok(channels) => {
            let names: Vec<String> = channels.iter().map(|it| format!("{} ({})", it.name, it.kind.id())).collect();
            Finding::new(Reason::Connected, names.join(", "))
        }
        Err(error) => Finding::new(Reason::SettingsInvalid, format!("{error:#}")),
    }
}

/// Tries every robot; the first that does not let us in is told.
pub async fn robots(config: &Config) -> Finding {
    let channels = configured::read(config).unwrap_or_default();
    let robots: Vec<&Configured> = channels.iter().filter(|channel| channel.is_robot()).collect();
    if robots.is_empty() {
        return Finding::new(Reason::NotConfigured, "SENTRY_CHANNELS names no robot of DingTalk");
    }
    let outbound = match Outbound::new(&config.outbound.allow) {
        Ok(outbound) => outbound,
        Err(error) => return Finding::new(Reason::SettingsInvalid, format!("{error:#}")),
    };
    for robot in &robots {
        if let Err(Finding { reason, message }) = knock(&outbound, robot).await {
            return Finding::new(reason, format!("channel {:?}: {message}", robot.name));
        }
    }
    let names: Vec<&str> = robots.iter().map(|robot| robot.name.as_str()).collect();
    Finding::new(Reason::Connected, format!("{} let us in", names.join(", ")))
}

async fn knock(outbound: &Outbound, robot: &Configured) -> Result<(), Finding> {
    let server = dingtalk::server(&robot.config);
    let sending = Sending { id: Uuid::new_v4(), at: now(), language: Language::English, zone: chrono_tz::Tz::UTC };
    match outbound.post(&dingtalk::trial(&robot.config, &sending)).await {
        Ok(answer) => judge(&answer, !robot.config.lines("keywords").is_empty()),
        Err(Unanswered::Refused(why)) => Err(Finding::new(Reason::SettingsInvalid, why)),
        Err(Unanswered::Failed(why)) => {
            // It may be asked, so it may be looked at more closely.
            if let Some((host, port)) = place(server) {
                reach(&host, port, SETTING).await?;
            }
            Err(Finding::new(unanswered(&why), format!("{server}: {why}")))
        }
    }
}

fn place(server: &str) -> Option<(String, u16)> {
    let url = Url::parse(server).ok()?;
    Some((url.host_str()?.trim_matches(['[', ']']).to_owned(), url.port_or_known_default()?))
}

/// The port answers, so what is left is TLS, or silence.
fn unanswered(why: &str) -> Reason {
    let says = |word: &str| why.to_lowercase().contains(word);
    match () {
        () if says("unknownissuer") => Reason::TlsUntrustedCA,
        () if says("not valid for") => Reason::TlsHostnameMismatch,
        () if says("certificate") || says("tls") => Reason::TlsHandshakeFailed,
        () if says("timed out") || says("timeout") => Reason::ConnectTimeout,
        () => Reason::UnexpectedAnswer,
    }
}

/// What a robot's answer to a message of no kind says.
fn judge(answer: &Answer, has_keywords: bool) -> Result<(), Finding> {
    let Err(failure) = DingTalk.judge(answer) else { return Ok(()) };
    let reason = match failure.code.as_str() {
        "310000 sign" => Reason::SignMismatch,
        "310000 keyword" if has_keywords => return Ok(()),
        "310000 keyword" => Reason::KeywordMissing,
        "310000 address" => Reason::IpNotWhitelisted,
        "300001" | "300005" | "400101" | "400013" => Reason::TokenInvalid,
        code if code == "unreadable" || code == "404" || code.starts_with("http ") => Reason::UnexpectedAnswer,
        "310000" => Reason::PrivilegeMissing,
        // It has looked at everything but the message itself.
        _ => return Ok(()),
    };
    let help = DingTalk.explain(&failure.code).map_or("is it DingTalk's server that listens there?", |words| words.en);
    Err(Finding::new(reason, format!("{}: {help}", failure.said)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_robots_answer_names_what_is_wrong() {
        let answer = |code: i64, words: &str| Answer {
            status: 200,
            body: json!({"errcode": code, "errmsg": words}).to_string(),
            retry_after: None,
        };
        let table = [
            (310_000, "sign not match", Reason::SignMismatch),
            (310_000, "keywords not in content", Reason::KeywordMissing),
            (310_000, "ip 1.2.3.4 not in whitelist", Reason::IpNotWhitelisted),
            (300_005, "token is not exist", Reason::TokenInvalid),
        ];
        for (code, words, reason) in table {
            let finding = judge(&answer(code, words), false).unwrap_err();
            assert_eq!(finding.reason, reason, "{}", finding.message);
        }
        assert!(judge(&answer(40_035, "invalid msgtype"), false).is_ok());
        assert!(judge(&answer(310_000, "keywords not in content"), true).is_ok());
        let page = Answer { status: 502, body: "<html>".to_owned(), retry_after: None };
        assert_eq!(judge(&page, false).unwrap_err().reason, Reason::UnexpectedAnswer);
    }
}
