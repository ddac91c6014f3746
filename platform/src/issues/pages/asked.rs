//! What is asked of a list, as its address says it: whoever shares the address shares the list.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use crate::{
    issues::{
        paging::Cursor,
        search::{Search, Sort},
        store::Window,
        words::PERIODS,
    },
    ui,
};

/// The parts of the address. What makes no sense is as if it were not there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// An empty one asks for everything; none for what comes first here.
    pub query: Option<String>,
    pub sort: String,
    pub environment: String,
    pub period: String,
    /// `14d`, or a day.
    pub stats: String,
    pub cursor: String,
    /// What was done just now, to how many issues, and by which name it can be taken back.
    pub done: String,
    pub many: usize,
    pub undo: String,
    /// `rows` for these alone.
    pub part: String,
}

impl Asked {
    /// The parts of an address that a form sends along. Nothing of it is believed: it is read as any other address.
    pub fn back(address: &str) -> Asked {
        let mut asked = Asked::default();
        for (name, value) in form_urlencoded::parse(address.trim_start_matches('?').as_bytes()) {
            let field = match name.as_ref() {
                "query" => {
                    asked.query = Some(value.into_owned());
                    continue;
                }
                "sort" => &mut asked.sort,
                "environment" => &mut asked.environment,
                "period" => &mut asked.period,
                "stats" => &mut asked.stats,
                "cursor" => &mut asked.cursor,
                _ => continue,
            };
            *field = value.into_owned();
        }
        asked
    }

    /// The address of this page, without what was done.
    pub fn here(&self) -> String {
        self.address(&self.cursor, None)
    }

    /// The address of the list's first page.
    pub fn first(&self) -> String {
        self.address("", None)
    }

    /// The address of another page of the same list.
    pub fn at(&self, cursor: &str) -> String {
        self.address(cursor, None)
    }

    /// The address of this page after something was done.
    pub fn after(&self, done: &str, many: usize, undo: &str) -> String {
        self.address(&self.cursor, Some((done, many, undo)))
    }

    fn address(&self, cursor: &str, done: Option<(&str, usize, &str)>) -> String {
        let some = |text: &'_ str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let pairs = [
            ("query", self.query.clone()),
            ("sort", some(&self.sort)),
            ("environment", some(&self.environment)),
            ("period", some(&self.period)),
            ("stats", some(&self.stats)),
            ("cursor", some(cursor)),
            ("done", done.and_then(|(done, ..)| some(done))),
            ("many", done.map(|(_, many, _)| many.to_string()).filter(|many| many != "0")),
            ("undo", done.and_then(|(.., undo)| some(undo))),
        ];
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, value.as_deref())).collect();
        ui::query(&pairs)
    }

    /// The same with another query.
    pub fn with_query(&self, query: impl Into<String>) -> Asked {
        Asked { query: Some(query.into()), ..self.clone() }
    }

    pub fn sort(&self) -> Sort {
        Sort::parse(&self.sort).unwrap_or_default()
    }

    pub fn window(&self) -> Window {
        if self.stats == Window::Fortnight.name() { Window::Fortnight } else { Window::Day }
    }

    pub fn cursor(&self) -> Option<Cursor<i64>> {
        Cursor::parse(&self.cursor)
    }

    /// What the menus add to what was typed.
    pub fn narrow(&self, search: Search, now: DateTime<Utc>) -> Search {
        let hours = PERIODS.iter().find(|(name, _)| *name == self.period).map_or(0, |(_, hours)| *hours);
        let from = (hours > 0).then(|| now - TimeDelta::hours(hours));
        let environments: Vec<String> =
            Some(self.environment.clone()).filter(|name| !name.is_empty()).into_iter().collect();
        search.within(&environments).during(from, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_back_to_itself_and_to_nowhere_else() {
        let here = "?query=is%3Aresolved+a&sort=freq&environment=eu&cursor=1%3A2%3A0";
        assert_eq!(Asked::back(here).here(), here);
        assert_eq!(Asked::back("?query=").here(), "?query=");
        assert_eq!(Asked::back("//evil.example/?query=x&done=resolve&x=y").here(), "");
        assert_eq!(Asked::back(here).after("resolve", 2, "id"), format!("{here}&done=resolve&many=2&undo=id"));
        assert_eq!(Asked::back(here).first(), "?query=is%3Aresolved+a&sort=freq&environment=eu");
    }
}
