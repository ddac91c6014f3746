//! What somebody did with an issue, in a sentence. Pure.

use super::News;
use crate::ui::Language;

/// What somebody did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Act {
    /// None where the clock or an event did it.
    pub by: Option<String>,
    /// To whom the issue was given; none where that is the reader.
    pub to: Option<String>,
    /// What they wrote.
    pub text: Option<String>,
    pub fix: Option<Fix>,
}

/// Where the fix of a resolved issue is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fix {
    NextRelease,
    Release(String),
    Commit(String),
    /// Nobody fixed it: it was silent for long.
    Silence,
}

impl Act {
    /// What was done; none where what is new says it all.
    pub fn headline(&self, news: News, language: Language) -> Option<String> {
        let by = self.by.as_deref();
        match (news, language) {
            (News::Assigned, language) => Some(self.assigned(language)),
            (News::Resolved, language) => Some(self.resolved(language)),
            (News::Commented, Language::English) => Some(format!("{} commented", by.unwrap_or("Somebody"))),
            (News::Commented, Language::Chinese) => Some(format!("{} 发表了评论", by.unwrap_or("有人"))),
            (News::Mentioned, Language::English) => Some(format!("{} mentioned you", by.unwrap_or("Somebody"))),
            (News::Mentioned, Language::Chinese) => Some(format!("{} 在评论中提到了你", by.unwrap_or("有人"))),
            _ => None,
        }
    }

    fn assigned(&self, language: Language) -> String {
        match (language, &self.by, &self.to) {
            (Language::English, Some(by), None) => format!("{by} assigned this issue to you"),
            (Language::English, Some(by), Some(to)) => format!("{by} assigned this issue to {to}"),
            (Language::English, None, None) => "This issue was assigned to you".to_owned(),
            (Language::English, None, Some(to)) => format!("This issue was assigned to {to}"),
            (Language::Chinese, Some(by), None) => format!("{by} 将此问题分配给你"),
            (Language::Chinese, Some(by), Some(to)) => format!("{by} 将此问题分配给 {to}"),
            (Language::Chinese, None, None) => "此问题已分配给你".to_owned(),
            (Language::Chinese, None, Some(to)) => format!("此问题已分配给 {to}"),
        }
    }

    fn resolved(&self, language: Language) -> String {
        let english = language == Language::English;
        let whither = match (&self.fix, english) {
            (None, _) => String::new(),
            (Some(Fix::NextRelease), true) => " in the next release".to_owned(),
            (Some(Fix::NextRelease), false) => "（下一版本）".to_owned(),
            (Some(Fix::Release(version)), true) => format!(" in {version}"),
            (Some(Fix::Release(version)), false) => format!("（版本 {version}）"),
            (Some(Fix::Commit(commit)), true) => format!(" in commit {commit}"),
            (Some(Fix::Commit(commit)), false) => format!("（提交 {commit}）"),
            (Some(Fix::Silence), true) => return "Resolved: it has not happened for a long time".to_owned(),
            (Some(Fix::Silence), false) => return "已自动解决：长时间未再出现".to_owned(),
        };
        match (&self.by, english) {
            (Some(by), true) => format!("{by} resolved this issue{whither}"),
            (Some(by), false) => format!("{by} 解决了此问题{whither}"),
            (None, true) => format!("This issue is resolved{whither}"),
            (None, false) => format!("此问题已解决{whither}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_a_sentence_in_both_languages() {
        let act = Act { by: Some("Grace".into()), ..Act::default() };
        let said = |act: &Act, news| {
            [Language::English, Language::Chinese].map(|language| act.headline(news, language).unwrap_or_default())
        };
        assert_eq!(said(&act, News::Assigned), ["Grace assigned this issue to you", "Grace 将此问题分配给你"]);
        let team = Act { to: Some("#checkout".into()), ..act.clone() };
        assert_eq!(said(&team, News::Assigned)[0], "Grace assigned this issue to #checkout");
        assert_eq!(said(&act, News::Mentioned), ["Grace mentioned you", "Grace 在评论中提到了你"]);
        assert_eq!(said(&act, News::Commented), ["Grace commented", "Grace 发表了评论"]);
        let fixed = Act { fix: Some(Fix::Release("shop@2.0".into())), ..act };
        assert_eq!(
            said(&fixed, News::Resolved),
            ["Grace resolved this issue in shop@2.0", "Grace 解决了此问题（版本 shop@2.0）"]
        );
        let silent = Act { fix: Some(Fix::Silence), ..Act::default() };
        assert_eq!(
            said(&silent, News::Resolved),
            ["Resolved: it has not happened for a long time", "已自动解决：长时间未再出现"]
        );
        assert_eq!(fixed.headline(News::Regressed, Language::English), None, "that is said as a rule says it");
    }
}
