//! Pages of a list by keyset: a cursor names the row at the edge of a page, so that going on costs the same on every page and
//! rows that arrive meanwhile move nothing.
//!
//! On the wire a cursor has Sentry's shape, three parts with colons, the last of them 1 for the way back. Clients pass it on
//! unread.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};

/// Which way a page lies from the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To older rows.
    Next,
    /// Back to newer rows.
    Previous,
}

/// The edge a page begins at: what the list is ordered by, and the number of the row that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor<Id> {
    /// A number, or a time in microseconds.
    pub key: i64,
    pub id: Id,
    pub direction: Direction,
}

impl<Id: fmt::Display> fmt::Display for Cursor<Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.key, self.id, u8::from(self.direction == Direction::Previous))
    }
}

impl<Id: FromStr> Cursor<Id> {
    /// Reads a cursor. What is none begins at the first page, as an empty one does: sentry-cli sends that first.
    pub fn parse(text: &str) -> Option<Cursor<Id>> {
        let mut parts = text.split(':');
        let key = parts.next()?.parse().ok()?;
        let id = parts.next()?.parse().ok()?;
        let direction = if parts.next()? == "1" { Direction::Previous } else { Direction::Next };
        Some(Cursor { key, id, direction })
    }
}

impl<Id> Cursor<Id> {
    /// The key as a time; one that is none is before everything.
    pub fn at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.key).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

/// Rows in the order of the list, and where the neighbouring pages begin.
#[derive(Clone, Debug)]
pub struct Slice<T, Id> {
    pub rows: Vec<T>,
    pub previous: Option<Cursor<Id>>,
    pub next: Option<Cursor<Id>>,
}

impl<T, Id> Slice<T, Id> {
    /// Makes a page of what was asked of the database: one row more than `size`, in the direction of the cursor.
    pub fn cut(
        mut rows: Vec<T>,
        size: usize,
        from: Option<&Cursor<Id>>,
        edge: impl Fn(&T) -> (i64, Id),
    ) -> Slice<T, Id> {
        let more = rows.len() > size;
        rows.truncate(size);
        let backwards = from.is_some_and(|cursor| cursor.direction == Direction::Previous);
        if backwards {
            rows.reverse();
        }
        let (is_newer, is_older) = if backwards { (more, true) } else { (from.is_some(), more) };
        let cursor = |row: Option<&T>, direction| {
            let (key, id) = edge(row?);
            Some(Cursor { key, id, direction })
        };
        let previous = cursor(rows.first().filter(|_| is_newer), Direction::Previous);
        let next = cursor(rows.last().filter(|_| is_older), Direction::Next);
        Slice { rows, previous, next }
    }
}

impl<T, Id: fmt::Display> Slice<T, Id> {
    /// The `Link` header of this page. `url` is that of the request, with its query but without a cursor.
    pub fn link_header(&self, url: &str) -> String {
        let separator = if url.contains('?') { '&' } else { '?' };
        let link = |rel, cursor: &Option<Cursor<Id>>| {
            let results = cursor.is_some();
            let cursor = cursor.as_ref().map_or_else(|| "0:0:0".into(), ToString::to_string);
            format!(r#"<{url}{separator}cursor={cursor}>; rel="{rel}"; results="{results}"; cursor="{cursor}""#)
        };
        format!("{}, {}", link("previous", &self.previous), link("next", &self.next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(rows: Vec<i64>, from: Option<Cursor<i64>>) -> Slice<i64, i64> {
        Slice::cut(rows, 2, from.as_ref(), |row| (*row, *row))
    }

    #[test]
    fn a_cursor_survives_the_wire() {
        let cursor = Cursor { key: 1_700_000_000_000_000, id: 7_i64, direction: Direction::Previous };
        assert_eq!(cursor.to_string(), "1700000000000000:7:1");
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        assert_eq!(Cursor::<i64>::parse(""), None);
    }

    #[test]
    fn the_first_page_leads_on_and_not_back() {
        let page = slice(vec![9, 8, 7], None);
        assert_eq!((page.rows.clone(), page.previous), (vec![9, 8], None));
        assert_eq!(page.next.unwrap().id, 8);
    }

    #[test]
    fn the_way_back_keeps_the_order() {
        let from = Cursor { key: 7, id: 7, direction: Direction::Previous };
        let page = slice(vec![8, 9, 10], Some(from));
        assert_eq!(page.rows, [9, 8]);
        assert_eq!((page.previous.unwrap().id, page.next.unwrap().id), (9, 8));
    }

    #[test]
    fn the_header_says_where_results_are() {
        let header = slice(vec![9, 8], None).link_header("http://h/?query=x");
        let (previous, next) = header.split_once(", ").unwrap();
        assert_eq!(previous, r#"<http://h/?query=x&cursor=0:0:0>; rel="previous"; results="false"; cursor="0:0:0""#);
        assert!(next.contains(r#"rel="next"; results="false""#));
    }
}
