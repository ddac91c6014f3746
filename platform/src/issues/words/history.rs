//! What happened to an issue, in words.

use serde_json::Value;

use crate::{
    issues::{
        Status,
        lifecycle::{Decision, Fix},
    },
    ui::Language,
};

/// What somebody, or the clock, did: the end of a sentence that begins with who it was.
pub fn happened(kind: &str, data: &Value, language: Language) -> String {
    let text = |name: &str| data.get(name).map(shown).unwrap_or_default();
    let count = data.get("issues").and_then(Value::as_array).map_or(0, Vec::len);
    let release = text("inRelease");
    let version = text("version");
    let commit = data.get("inCommit").and_then(|commit| commit.get("commit")).map(shown).unwrap_or_default();
    let whom = if data.get("assigneeType").is_some_and(|kind| kind == "team") {
        format!("#{}", text("assigneeName").trim_start_matches('#'))
    } else {
        text("assigneeEmail")
    };
    match language {
        Language::English => match kind {
            "set_resolved" => "resolved it".into(),
            "set_resolved_in_release" if release.is_empty() => "resolved it in the next release".into(),
            "set_resolved_in_release" => format!("resolved it in release {release}"),
            "set_resolved_in_commit" => format!("resolved it in commit {commit}"),
            "set_resolved_by_age" => "resolved it, since it was silent for long enough".into(),
            "set_unresolved" => "opened it again".into(),
            "set_ignored" => format!("ignored it{}", until(data, language)),
            "set_regression" if version.is_empty() => "saw it happen again after it was resolved".into(),
            "set_regression" => format!("saw it happen again in release {version} after it was resolved"),
            "set_unignored" => "opened it again, since it is worth a look now".into(),
            "assigned" => format!("assigned it to {whom}"),
            "unassigned" => "took the assignment away".into(),
            "merge" => format!("merged {count} into it"),
            "unmerge_source" => "took fingerprints out of it".into(),
            "unmerge_destination" => "made it of another issue's fingerprints".into(),
            "set_public" => "shared it with a link".into(),
            "set_private" => "stopped sharing it".into(),
            other => other.replace('_', " "),
        },
        Language::Chinese => match kind {
            "set_resolved" => "将其标为已解决".into(),
            "set_resolved_in_release" if release.is_empty() => "将其标为在下一个版本中解决".into(),
            "set_resolved_in_release" => format!("将其标为在版本 {release} 中解决"),
            "set_resolved_in_commit" => format!("将其标为在提交 {commit} 中解决"),
            "set_resolved_by_age" => "因长时间未出现将其标为已解决".into(),
            "set_unresolved" => "重新打开了它".into(),
            "set_ignored" => format!("忽略了它{}", until(data, language)),
            "set_regression" if version.is_empty() => "发现它在解决后再次出现".into(),
            "set_regression" => format!("发现它在解决后于版本 {version} 再次出现"),
            "set_unignored" => "因达到条件重新打开了它".into(),
            "assigned" => format!("将其分配给 {whom}"),
            "unassigned" => "取消了分配".into(),
            "merge" => format!("将 {count} 个问题并入"),
            "unmerge_source" => "从中取出了指纹".into(),
            "unmerge_destination" => "用另一个问题的指纹建立了它".into(),
            "set_public" => "用链接分享了它".into(),
            "set_private" => "停止了分享".into(),
            other => other.replace('_', " "),
        },
    }
}

/// What was decided about an issue, as its badge says on a closer look.
pub fn decided(decision: &Decision, language: Language) -> Option<String> {
    let details = decision.details();
    match (decision.status(), language) {
        (Status::Unresolved, _) => None,
        (Status::Resolved, language) => {
            let Decision::Resolved(resolution) = decision else { return None };
            let (next, release, commit) = match language {
                Language::English => ("in the next release", "in release ", "in commit "),
                Language::Chinese => ("在下一个版本中", "在版本 ", "在提交 "),
            };
            match &resolution.fix {
                Fix::Now => None,
                Fix::NextRelease { .. } => Some(next.to_owned()),
                Fix::InRelease { release: fixed } => Some(format!("{release}{}", fixed.version)),
                Fix::InCommit { commit: fixed, .. } => Some(format!("{commit}{fixed}")),
            }
        }
        (Status::Ignored, language) => {
            Some(until(&details, language).trim().to_owned()).filter(|text| !text.is_empty())
        }
    }
}

/// The conditions of an ignored issue.
fn until(data: &Value, language: Language) -> String {
    let text = |name: &str| data.get(name).map(shown);
    let mut parts: Vec<String> = Vec::new();
    if let Some(until) = text("ignoreUntil") {
        let until = until.split('.').next().unwrap_or_default().replace('T', " ");
        parts.push(match language {
            Language::English => format!("until {until} UTC"),
            Language::Chinese => format!("直到 {until} UTC"),
        });
    }
    for (most, window, english, chinese) in [
        ("ignoreCount", "ignoreWindow", "events", "个事件"),
        ("ignoreUserCount", "ignoreUserWindow", "users", "个用户"),
    ] {
        let Some(most) = text(most) else { continue };
        parts.push(match (language, text(window)) {
            (Language::English, None) => format!("until {most} more {english}"),
            (Language::English, Some(minutes)) => format!("until {most} {english} in {minutes} min"),
            (Language::Chinese, None) => format!("直到再有 {most} {chinese}"),
            (Language::Chinese, Some(minutes)) => format!("直到 {minutes} 分钟内有 {most} {chinese}"),
        });
    }
    match (parts.is_empty(), language) {
        (true, _) => String::new(),
        (false, Language::English) => format!(" {}", parts.join(" or ")),
        (false, Language::Chinese) => format!("，{}", parts.join("或")),
    }
}

/// A text, or a number.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_happened_is_told_in_both_languages() {
        let ignored = json!({"ignoreCount": 10, "ignoreWindow": 60});
        assert_eq!(happened("set_ignored", &ignored, Language::English), "ignored it until 10 events in 60 min");
        assert_eq!(happened("set_ignored", &ignored, Language::Chinese), "忽略了它，直到 60 分钟内有 10 个事件");
        assert_eq!(happened("set_ignored", &json!({}), Language::English), "ignored it");
        let fixed = json!({"inRelease": "shop@2"});
        assert_eq!(happened("set_resolved_in_release", &fixed, Language::English), "resolved it in release shop@2");
        assert_eq!(happened("merge", &json!({"issues": [{}, {}]}), Language::Chinese), "将 2 个问题并入");
    }
}
