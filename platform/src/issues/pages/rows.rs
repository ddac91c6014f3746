//! The lines of a list.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    app::App,
    issues::{
        Issue, IssueId, Status, path,
        people::{self, Assigned, Marks},
        store::{self, Window},
    },
    ui::{Bars, Phrases, When, count},
    web::Error,
};

use super::place::Place;

/// An issue is new for a day.
const NEW: TimeDelta = TimeDelta::days(1);

/// One line.
#[expect(clippy::struct_excessive_bools, reason = "each is a mark of its own")]
pub(super) struct Row {
    pub id: i64,
    pub url: String,
    pub name: String,
    pub level: &'static str,
    pub kind: String,
    pub value: Option<String>,
    pub culprit: String,
    pub status: Status,
    pub is_new: bool,
    pub is_regressed: bool,
    pub is_unhandled: bool,
    pub is_bookmarked: bool,
    pub has_seen: bool,
    pub comments: i64,
    pub assignee: Option<Face>,
    pub bars: Bars,
    pub span: &'static str,
    pub count: String,
    pub times_seen: i64,
    pub users: String,
    pub users_seen: i64,
    pub first_seen: When,
    pub last_seen: When,
}

/// Somebody, in the space of two letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Face {
    pub initials: String,
    pub name: String,
    pub is_team: bool,
}

impl Face {
    /// Of whoever sees to an issue.
    pub fn of(assigned: &Assigned) -> Face {
        match assigned {
            Assigned::Person(person) => Face::of_person(&person.name, &person.email),
            Assigned::Team(team) => {
                Face { initials: initials(&team.slug), name: format!("#{}", team.slug), is_team: true }
            }
        }
    }

    /// Of a person.
    pub fn of_person(name: &str, email: &str) -> Face {
        let name = if name.trim().is_empty() { email } else { name };
        Face { initials: initials(name), name: name.to_owned(), is_team: false }
    }
}

/// `Grace Hopper` is GH, `grace@example.com` G, `商店` 商.
fn initials(name: &str) -> String {
    let name = name.split('@').next().unwrap_or_default();
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let letters = words.filter_map(|word| word.chars().next()).take(2);
    letters.flat_map(char::to_uppercase).collect()
}

/// What is known of the issues of a page.
struct Known {
    series: HashMap<IssueId, Vec<i64>>,
    marks: HashMap<IssueId, Marks>,
    regressed: HashSet<IssueId>,
    window: Window,
    now: DateTime<Utc>,
}

/// The lines of these issues.
pub(super) async fn rows(app: &App, place: &Place, issues: &[Issue], window: Window) -> Result<Vec<Row>, Error> {
    let now = app.now();
    let known = Known {
        series: store::series(&app.db, issues, window, now).await?,
        marks: people::marks(&app.db, place.scope.user.id, issues).await?,
        regressed: store::regressed(&app.db, issues).await?,
        window,
        now,
    };
    let phrases = place.page.phrases;
    Ok(issues.iter().filter_map(|issue| Row::new(place, issue, &known, phrases)).collect())
}

impl Row {
    fn new(place: &Place, issue: &Issue, known: &Known, phrases: &Phrases) -> Option<Row> {
        let project = place.scope.project(issue.project_id)?;
        let (kind, value) = issue.headline();
        let nothing = Marks::default();
        let marks = known.marks.get(&issue.id).unwrap_or(&nothing);
        Some(Row {
            id: issue.id.0,
            url: path(&place.scope.organization.slug, &project.slug, issue.id),
            name: issue.name(&project.slug),
            level: issue.level.name(),
            kind: kind.to_owned(),
            value: value.map(str::to_owned),
            culprit: issue.culprit.clone(),
            status: issue.status,
            is_new: issue.status == Status::Unresolved && known.now - issue.first_seen < NEW,
            is_regressed: known.regressed.contains(&issue.id),
            is_unhandled: marks.is_unhandled,
            is_bookmarked: marks.is_bookmarked,
            has_seen: marks.has_seen(issue),
            comments: marks.comments,
            assignee: marks.assigned.as_ref().map(Face::of),
            bars: Bars::new(known.series.get(&issue.id).map_or(&[][..], Vec::as_slice)),
            span: if known.window == Window::Fortnight { phrases.last_14_days } else { phrases.last_24_hours },
            count: count(issue.times_seen),
            times_seen: issue.times_seen,
            users: count(issue.users_seen),
            users_seen: issue.users_seen,
            first_seen: When::new(issue.first_seen, known.now, phrases),
            last_seen: When::new(issue.last_seen, known.now, phrases),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_face_has_two_letters_at_most() {
        assert_eq!(Face::of_person("Grace B. Hopper", "g@x.cn").initials, "GB");
        assert_eq!(Face::of_person(" ", "grace@example.com").initials, "G");
        assert_eq!(initials("check-out"), "CO");
        assert_eq!(initials("商店"), "商");
        assert_eq!(initials("@"), "");
    }
}
