//! The grammar: a table of queries with what each means, or what is wrong with it, in `queries.txt`.

use std::fmt::Write;

use proptest::prelude::*;

use super::{Search, Sort};
use crate::{issues::Status, ui::Language};

const QUERIES: &str = include_str!("queries.txt");

fn meaning(query: &str) -> String {
    match Search::parse(query) {
        Ok(search) => search.meaning(),
        Err(problem) => {
            let at = problem.characters(query);
            let mark: String = query.chars().skip(at.start).take(at.len()).collect();
            format!("WRONG at {}..{} {mark:?}: {}", at.start, at.end, problem.text(Language::English))
        }
    }
}

#[test]
fn every_query_of_the_table_means_what_it_says() {
    let queries: Vec<&str> = QUERIES.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(queries.len() >= 200, "only {} queries", queries.len());
    let table = queries.iter().fold(String::new(), |mut table, query| {
        writeln!(table, "{query}\n    {}", meaning(query)).expect("a string takes it");
        table
    });
    insta::assert_snapshot!(table);
}

#[test]
fn every_problem_is_said_in_both_languages() {
    for query in QUERIES.lines() {
        let Err(problem) = Search::parse(query) else { continue };
        let (english, chinese) = (problem.text(Language::English), problem.text(Language::Chinese));
        let is_chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        assert!(is_chinese(&chinese) && (!is_chinese(&english) || is_chinese(query)), "{query}: {english} {chinese}");
    }
}

#[test]
fn a_status_is_exchanged_and_the_rest_stays() {
    let other = |query: &str, status| Search::parse(query).unwrap().with_status(status);
    assert_eq!(
        other("is:unresolved level:error  division by", Some(Status::Resolved)),
        "is:resolved level:error division by"
    );
    assert_eq!(other("", Some(Status::Ignored)), "is:ignored");
    assert_eq!(other("is:unresolved", None), "");
    assert_eq!(other("is:unresolved OR is:resolved", None), "is:unresolved OR is:resolved");
    assert_eq!(Search::parse("is:resolved x").unwrap().status(), Some(Status::Resolved));
    assert_eq!(Search::parse("is:resolved is:ignored").unwrap().status(), None);
}

#[test]
fn sorts_have_sentrys_names() {
    let names = ["date", "new", "freq", "user", "priority"];
    let all = [Sort::LastSeen, Sort::FirstSeen, Sort::Events, Sort::Users, Sort::Priority];
    assert_eq!(names.map(Sort::parse), all.map(Some));
    assert_eq!(Sort::parse("colour"), None);
}

#[test]
fn a_problem_is_marked_by_characters() {
    let query = "商店 is:紫";
    let problem = Search::parse(query).unwrap_err();
    assert_eq!(problem.characters(query), 6..7);
}

proptest! {
    #[test]
    fn no_query_makes_it_panic_and_every_mark_is_inside(query in r#"([a-z!:()\[\]"\\*<>=, .@#/-]|AND |OR |is:|tags\[|in \[|ü|商){0,40}"#) {
        if let Err(problem) = Search::parse(&query) {
            let at = problem.characters(&query);
            prop_assert!(at.start <= at.end && at.end <= query.chars().count(), "{at:?} in {query:?}");
            prop_assert!(!problem.text(Language::Chinese).is_empty());
        }
    }

    #[test]
    fn a_value_in_quotes_is_only_itself(value in "[^*]{1,30}") {
        let escaped = value.replace('\\', r"\\").replace('"', r#"\""#);
        let search = Search::parse(&format!(r#"region:"{escaped}""#)).unwrap();
        prop_assert_eq!(search.meaning(), format!("tag region {value:?}"));
    }
}
