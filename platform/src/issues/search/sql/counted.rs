//! Terms about the events of an issue: its tags, users and traits, as they are counted or noted by issue.

use std::cmp::Ordering;

use super::{
    super::query::{Compare, Match, Part, What},
    conditions::{Conditions, Where, like},
};
use crate::{
    protocol::tags,
    releases::{
        Release,
        order::{Version, by_version, newest},
    },
};

/// Begins a count over the tags of an issue.
const SUM: &str = "select sum(t.events) from issue_tags t where t.project_id = i.project_id and t.issue_id = i.id and ";

impl Conditions<'_> {
    /// Writes a term about events; says whether it is one.
    pub(super) fn counted(&mut self, what: &What) -> bool {
        match what {
            What::Tag(key, values) => self.tag(key, values),
            What::HasTag(key) => {
                self.of_projects("issue_tag_keys k", "k");
                self.sql.push(" and k.key = ").push_bind(clean(key)).push(" and (k.values > 0 or k.others > 0))");
            }
            What::User(part, values) => self.user(*part, Some(values)),
            What::HasUser(part) => self.user(*part, None),
            What::Trait(key, values) => {
                let numbers = self.numbers(key, values);
                self.of_projects("issue_traits t", "t");
                self.sql.push(" and (t.trait = any(").push_bind(numbers);
                self.sql.push(") or (t.key = ").push_bind(clean(key));
                self.sql.push(" and t.value ilike any(").push_bind(globs(values)).push("))))");
            }
            What::HasTrait(key) => {
                self.of_projects("issue_traits t", "t");
                self.sql.push(" and t.key = ").push_bind(clean(key)).push(")");
            }
            What::FirstRelease(values) => {
                self.sql
                    .push("exists (select from issue_tags t where t.project_id = i.project_id and t.issue_id = i.id");
                self.sql.push(" and t.first_seen <= i.first_seen and ");
                self.tag_is("release", values);
                self.sql.push(")");
            }
            What::LatestRelease(_) | What::Version(..) | What::Package(_) => {
                let numbers = self.releases(what);
                self.of_projects("issue_tags t", "t");
                self.sql.push(" and t.tag = any(").push_bind(numbers).push("))");
            }
            What::Event(ids) => {
                self.of_projects("events e", "e");
                self.sql.push(" and e.id = any(").push_bind(ids.clone()).push("))");
            }
            _ => return false,
        }
        true
    }

    /// Writes that some event of the issue is not so; says whether events are counted by it.
    pub(super) fn not_of_all(&mut self, what: &What) -> bool {
        if !is_counted(what) {
            return false;
        }
        self.sql.push("(coalesce((");
        match what {
            What::Tag(key, values) => {
                self.sql.push(SUM);
                self.tag_is(key, values);
            }
            What::HasTag(key) => {
                self.sql.push("select sum(k.others) + coalesce((").push(SUM);
                self.sql.push("t.key = ").push_bind(clean(key));
                self.sql.push(
                    "), 0) from issue_tag_keys k where k.project_id = i.project_id and k.issue_id = i.id and k.key = ",
                );
                self.sql.push_bind(clean(key));
            }
            What::User(part, values) => self.users(*part, Some(values)),
            What::HasUser(part) => self.users(*part, None),
            _ => {
                let numbers = self.releases(what);
                self.sql.push(SUM).push("t.tag = any(").push_bind(numbers).push(")");
            }
        }
        self.sql.push("), 0) < i.times_seen)");
        true
    }

    fn tag(&mut self, key: &str, values: &[Match]) {
        let numbers = self.numbers(key, values);
        self.of_projects("issue_tags t", "t");
        self.sql.push(" and t.tag = any(").push_bind(numbers.clone()).push(")");
        let globs = globs(values);
        if !globs.is_empty() {
            self.sql.push(" union all select t.issue_id from tag_values v join issue_tags t on t.project_id = v.project_id and t.tag = v.tag");
            self.sql
                .push(" where v.project_id = any(")
                .push_bind(self.projects.clone())
                .push(") and v.key = ")
                .push_bind(clean(key));
            self.sql.push(" and v.value ilike any(").push_bind(globs).push(")");
        }
        // Values beyond those that are counted for themselves are rare, and in the index of events.
        self.sql.push(" union all select k.issue_id from issue_tag_keys k where k.others > 0 and k.project_id = any(");
        self.sql.push_bind(self.projects.clone()).push(") and k.key = ").push_bind(clean(key));
        self.sql.push(" and exists (select from events e where e.project_id = k.project_id and e.issue_id = k.issue_id and e.tags && ");
        self.sql.push_bind(numbers).push("))");
    }

    /// What a row of `issue_tags` must be.
    fn tag_is(&mut self, key: &str, values: &[Match]) {
        let numbers = self.numbers(key, values);
        self.sql.push("(t.tag = any(").push_bind(numbers).push(")");
        let globs = globs(values);
        if !globs.is_empty() {
            self.sql.push(" or (t.key = ").push_bind(clean(key));
            self.sql.push(" and t.value ilike any(").push_bind(globs).push("))");
        }
        self.sql.push(")");
    }

    fn user(&mut self, part: Part, values: Option<&[Match]>) {
        self.sql.push("i.id in (select t.issue_id from event_users u join issue_tags t on t.project_id = u.project_id and t.tag = u.tag");
        self.sql.push(" where u.project_id = any(").push_bind(self.projects.clone()).push(") and ");
        self.user_is(part, values);
        self.sql.push(")");
    }

    fn users(&mut self, part: Part, values: Option<&[Match]>) {
        self.sql.push("select sum(t.events) from issue_tags t join event_users u on u.project_id = t.project_id and u.tag = t.tag");
        self.sql.push(" where t.project_id = i.project_id and t.issue_id = i.id and t.key = 'user' and ");
        self.user_is(part, values);
    }

    fn user_is(&mut self, part: Part, values: Option<&[Match]>) {
        self.sql.push(match part {
            Part::Id => "u.id",
            Part::Email => "u.email",
            Part::Username => "u.username",
            Part::Ip => "u.ip",
        });
        match values {
            None => self.sql.push(" <> ''"),
            Some(values) => {
                let patterns: Vec<String> = values.iter().map(|value| like(value, Where::Whole)).collect();
                self.sql.push(" <> '' and u.").push(part.name()).push(" ilike any(").push_bind(patterns).push(")")
            }
        };
    }

    fn numbers(&self, key: &str, values: &[Match]) -> Vec<i64> {
        numbers(&self.projects, key, values)
    }

    fn releases(&self, what: &What) -> Vec<i64> {
        releases(self.issues.releases, what)
    }
}

/// The numbers of the values that are written out, in each project.
pub(super) fn numbers(projects: &[i64], key: &str, values: &[Match]) -> Vec<i64> {
    let exact = values.iter().filter_map(|value| match value {
        Match::Exact(text) => Some(text),
        Match::Glob(_) => None,
    });
    exact.flat_map(|text| projects.iter().map(|project| tags::number(*project, key, text))).collect()
}

/// The numbers of the releases that are meant, as tags.
pub(super) fn releases(known: &[(i64, Vec<Release>)], what: &What) -> Vec<i64> {
    let of_project = |(project, releases): &(i64, Vec<Release>)| {
        let newest = match what {
            What::LatestRelease(_) => newest(releases.clone()).map(|release| release.version),
            _ => None,
        };
        let others = releases.iter().map(|release| &release.version).filter(|name| is_meant(what, name)).cloned();
        let meant = newest.into_iter().chain(others);
        meant.map(|name| tags::number(*project, "release", &name)).collect::<Vec<_>>()
    };
    known.iter().flat_map(of_project).collect()
}

/// Whether it is known of how many events it is so.
pub(super) fn is_counted(what: &What) -> bool {
    matches!(
        what,
        What::Tag(..)
            | What::HasTag(_)
            | What::User(..)
            | What::HasUser(_)
            | What::LatestRelease(_)
            | What::Version(..)
            | What::Package(_)
    )
}

/// Whether a release is of the package or the versions that are asked for.
fn is_meant(what: &What, name: &str) -> bool {
    if let What::LatestRelease(others) = what {
        return others.iter().any(|other| other.fits(name));
    }
    let Some(version) = Version::parse(name) else { return false };
    match what {
        What::Package(values) => values.iter().any(|value| value.fits(version.package)),
        What::Version(compare, asked) => Version::parse(asked).is_some_and(|asked| {
            let order = by_version(&version, &asked);
            let fits = match compare {
                Compare::Less => order == Ordering::Less,
                Compare::AtMost => order != Ordering::Greater,
                Compare::Equal => order == Ordering::Equal,
                Compare::AtLeast => order != Ordering::Less,
                Compare::More => order == Ordering::Greater,
            };
            fits && (asked.package.is_empty() || asked.package == version.package)
        }),
        _ => false,
    }
}

pub(super) fn globs(values: &[Match]) -> Vec<String> {
    values.iter().filter(|value| matches!(value, Match::Glob(_))).map(|value| like(value, Where::Whole)).collect()
}

/// PostgreSQL's texts hold no NUL, and no key has one.
pub(super) fn clean(key: &str) -> String {
    key.replace('\0', "\u{fffd}")
}
