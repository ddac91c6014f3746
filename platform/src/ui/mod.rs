//! What every page shares: the frame around it, words in two languages, times, numbers and small charts.
//!
//! Pages are complete without JavaScript. The design's tokens are the custom properties at the top of `assets/app.css`.

pub mod assets;
mod chart;
mod format;
mod initials;
mod language;
mod phrases;

use askama::Template;
use axum::response::Html;

pub use chart::Bars;
pub use format::{When, count};
pub use initials::Initials;
pub use language::Language;
pub use phrases::{Phrases, Unit};

use crate::auth::User;

/// The frame of a page.
#[derive(Clone, Debug)]
pub struct Page {
    pub language: Language,
    pub phrases: &'static Phrases,
    /// Who is signed in, by email.
    pub user: Option<String>,
    /// The project it belongs to.
    pub place: Option<Place>,
    pub tab: Option<Tab>,
    /// `light` or `dark`; as the browser prefers where it is none.
    pub theme: Option<String>,
    /// Where times are told; where the browser is, if it is none.
    pub timezone: Option<String>,
    pub initials: Option<Initials>,
    pub is_superuser: bool,
}

/// The project a page belongs to, as the top bar shows it.
#[derive(Clone, Debug)]
pub struct Place {
    pub organization: String,
    pub project: String,
    pub name: String,
}

/// The sections of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    Issues,
    Setup,
    Settings,
}

impl Page {
    /// The frame of a page for anybody.
    pub fn plain(language: Language) -> Page {
        Page {
            language,
            phrases: language.phrases(),
            user: None,
            place: None,
            tab: None,
            theme: None,
            timezone: None,
            initials: None,
            is_superuser: false,
        }
    }

    /// The frame of a page that somebody sees.
    pub fn of(user: &User, language: Language) -> Page {
        Page {
            user: Some(user.shown().to_owned()),
            theme: user.theme.clone(),
            timezone: user.timezone.clone(),
            initials: Some(Initials::of(user.shown())),
            is_superuser: user.is_superuser,
            ..Page::plain(language)
        }
    }

    /// The same, with the section it belongs to marked.
    #[must_use]
    pub fn at(self, tab: Tab) -> Page {
        Page { tab: Some(tab), ..self }
    }

    /// Whether the page belongs to this section.
    pub fn is_at(&self, tab: Tab) -> bool {
        self.tab == Some(tab)
    }
}

/// Turns a page's struct into HTML.
pub fn render(page: &impl Template) -> askama::Result<Html<String>> {
    page.render().map(Html)
}

/// A query string, with its question mark; pairs without a value are left out. An empty value is one.
pub fn query(pairs: &[(&str, Option<&str>)]) -> String {
    let mut query = form_urlencoded::Serializer::for_suffix(String::from("?"), 1);
    query.extend_pairs(pairs.iter().filter_map(|(name, value)| Some((*name, (*value)?))));
    Some(query.finish()).filter(|query| query != "?").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_escaped_and_says_nothing_of_nothing() {
        assert_eq!(query(&[("query", Some("is:resolved a&b")), ("cursor", None)]), "?query=is%3Aresolved+a%26b");
        assert_eq!(query(&[("query", Some(""))]), "?query=");
        assert_eq!(query(&[("cursor", None)]), "");
    }
}
