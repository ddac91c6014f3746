//! Which language a page speaks: the one that was chosen, or else the one the browser prefers among those we have.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
};

use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};

use super::phrases::{EN, Phrases, ZH};

/// The cookie of the language somebody chose.
const COOKIE: &str = "picket_language";

/// A language we speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    Chinese,
}

impl Language {
    /// As the `lang` attribute and `Accept-Language` write it.
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh-Hans",
        }
    }

    /// Everything our pages say.
    pub fn phrases(self) -> &'static Phrases {
        match self {
            Language::English => &EN,
            Language::Chinese => &ZH,
        }
    }

    /// The language of this tag.
    pub fn named(tag: &str) -> Option<Language> {
        [Language::English, Language::Chinese].into_iter().find(|language| language.tag() == tag)
    }

    /// Has the browser say from now on what was chosen, or nothing.
    pub fn remember(jar: CookieJar, chosen: Option<Language>) -> CookieJar {
        match chosen {
            Some(language) => {
                jar.add(Cookie::build((COOKIE, language.tag())).path("/").same_site(SameSite::Lax).permanent())
            }
            None => jar.remove(Cookie::build(COOKIE).path("/")),
        }
    }

    /// The language that was chosen, or that the request asks for.
    pub fn of(headers: &HeaderMap) -> Language {
        let jar = CookieJar::from_headers(headers);
        if let Some(chosen) = jar.get(COOKIE).and_then(|cookie| Language::named(cookie.value())) {
            return chosen;
        }
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        accepted.map_or(Language::English, Language::preferred)
    }

    /// Has a request that asks for no language we speak ask for this one.
    pub fn prefer_at_last(self, headers: &mut HeaderMap) {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let last = format!("{accepted},{};q=0.001", self.tag());
        if let Ok(value) = HeaderValue::from_str(last.trim_start_matches(',')) {
            headers.insert(header::ACCEPT_LANGUAGE, value);
        }
    }

    /// `zh-CN,zh;q=0.9,en;q=0.8` is Chinese; of two with the same weight the first wins.
    pub fn preferred(accepted: &str) -> Language {
        let mut best = (Language::English, 0.0);
        for choice in accepted.split(',') {
            let mut parts = choice.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
            let language = match tag.split('-').next() {
                Some("zh") => Language::Chinese,
                Some("en") => Language::English,
                _ => continue,
            };
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }
}

impl<S: Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Language, Infallible> {
        Ok(Language::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_decides() {
        assert_eq!(Language::preferred("zh-CN,zh;q=0.9,en;q=0.8"), Language::Chinese);
        assert_eq!(Language::preferred("en;q=0.5, zh;q=0.8"), Language::Chinese);
        assert_eq!(Language::preferred("de-DE,de;q=0.9,en-US;q=0.8,zh;q=0.7"), Language::English);
        assert_eq!(Language::preferred("fr"), Language::English);
    }

    #[test]
    fn where_the_browser_asks_for_none_the_installation_decides() {
        let spoken = |accepted: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.extend(accepted.map(|accepted| (header::ACCEPT_LANGUAGE, HeaderValue::from_static(accepted))));
            Language::Chinese.prefer_at_last(&mut headers);
            Language::of(&headers)
        };
        assert_eq!([spoken(None), spoken(Some("fr"))], [Language::Chinese; 2]);
        assert_eq!([spoken(Some("en-US")), spoken(Some("fr,en;q=0.1"))], [Language::English; 2]);
    }
}
