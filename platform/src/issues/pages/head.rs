//! What is above every page of an issue: what it is, what was decided, how often it happened, and what can be done about it.

use uuid::Uuid;

use crate::{
    access::IssueAccess,
    app::App,
    issues::{
        Status,
        api::Scope,
        path,
        people::{self, Assignee, Marks},
        store::{self, Window, series},
        tags,
        words::{Words, decided},
    },
    releases::{self, order::newest},
    ui::{Bars, Language, Phrases, When, count},
    web::Error,
};

use super::{Person, whom};

/// Minutes that an issue may be ignored for; `Words::durations` names them.
const DURATIONS: [u32; 4] = [30, 120, 1_440, 10_080];
/// Minutes in which so many events are too many; `Words::windows` names them.
const WINDOWS: [u32; 4] = [0, 60, 1_440, 10_080];
/// Releases that a field suggests.
const RELEASES: usize = 20;

/// The pages of an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    Details,
    Activity,
    Tags,
    Events,
    Fingerprints,
}

impl Tab {
    const ALL: [Tab; 5] = [Tab::Details, Tab::Activity, Tab::Tags, Tab::Events, Tab::Fingerprints];

    fn path(self) -> &'static str {
        match self {
            Tab::Details => "",
            Tab::Activity => "activity/",
            Tab::Tags => "tags/",
            Tab::Events => "events/",
            Tab::Fingerprints => "fingerprints/",
        }
    }

    fn label(self, words: &Words, phrases: &Phrases) -> &'static str {
        match self {
            Tab::Details => words.details,
            Tab::Activity => words.activity,
            Tab::Tags => phrases.tags,
            Tab::Events => phrases.events,
            Tab::Fingerprints => words.fingerprints,
        }
    }
}

/// A link to one of the pages.
pub struct TabLink {
    pub url: String,
    pub label: &'static str,
    pub count: Option<String>,
    pub is_current: bool,
}

/// What is known of the issue, whichever of its pages is shown.
#[expect(clippy::struct_excessive_bools, reason = "each is a mark of its own")]
pub struct Head {
    pub url: String,
    pub list_url: String,
    pub name: String,
    pub level: &'static str,
    pub kind: String,
    pub value: Option<String>,
    pub culprit: String,
    pub platform: String,
    pub status: Status,
    /// In which release it is resolved, or until when it is ignored.
    pub decided: Option<String>,
    pub is_unhandled: bool,
    pub is_regressed: bool,
    pub is_bookmarked: bool,
    pub is_subscribed: bool,
    pub share: Option<Uuid>,
    pub assigned: Option<Assignee>,
    pub people: Vec<Person>,
    pub latest_release: Option<String>,
    pub releases: Vec<String>,
    pub durations: Vec<(u32, &'static str)>,
    pub windows: Vec<(u32, &'static str)>,
    pub times_seen: i64,
    pub count: String,
    pub users_seen: i64,
    pub users: String,
    pub first_seen: When,
    pub first_release: Option<String>,
    pub last_seen: When,
    pub last_release: Option<String>,
    pub day: Bars,
    pub month: Bars,
    pub tabs: Vec<TabLink>,
    /// What was asked for before could not be done.
    pub is_wrong: bool,
}

impl Head {
    /// Whether this is who sees to it.
    pub fn is_given_to(&self, value: &str) -> bool {
        match self.assigned {
            Some(Assignee::Person(person)) => value == format!("user:{person}"),
            Some(Assignee::Team(team)) => value == format!("team:{team}"),
            None => false,
        }
    }

    /// The same, of a page that tells that something could not be done.
    #[must_use]
    pub fn told(self, is_wrong: bool) -> Head {
        Head { is_wrong, ..self }
    }

    /// Reads it for one of the pages.
    pub async fn read(app: &App, found: &IssueAccess, language: Language, tab: Tab) -> Result<Head, Error> {
        let IssueAccess { access, issue } = found;
        let (now, words, phrases) = (app.now(), Words::of(language), language.phrases());
        let one = std::slice::from_ref(issue);
        let day = series(&app.db, one, Window::Day, now).await?;
        let month = series(&app.db, one, Window::Month, now).await?;
        let bars = |series: &std::collections::HashMap<_, Vec<i64>>| {
            Bars::new(series.get(&issue.id).map_or(&[], Vec::as_slice))
        };
        let marks = people::marks(&app.db, access.user.id, one).await?.remove(&issue.id).unwrap_or_default();
        let releases = releases::store::latest(&app.db, access.project.id).await?;
        let versions = releases.iter().take(RELEASES).map(|release| release.version.clone()).collect();
        let ends = tags::ends(&app.db, issue, "release").await?;
        let scope = Scope::from(access.clone());
        let (kind, value) = issue.headline();
        let url = path(&access.organization.slug, &access.project.slug, issue.id);
        Ok(Head {
            tabs: tabs(&url, tab, (words, phrases), (&marks, issue.times_seen)),
            list_url: super::place::list_path(&access.organization.slug, Some(&access.project.slug)),
            name: issue.name(&access.project.slug),
            level: issue.level.name(),
            kind: kind.to_owned(),
            value: value.map(str::to_owned),
            culprit: issue.culprit.clone(),
            platform: issue.platform.clone(),
            status: issue.status,
            decided: issue.decision.as_ref().and_then(|decision| decided(decision, language)),
            is_unhandled: marks.is_unhandled,
            is_regressed: store::regressed(&app.db, one).await?.contains(&issue.id),
            is_bookmarked: marks.is_bookmarked,
            is_subscribed: marks.subscription.as_ref().is_some_and(|subscription| subscription.is_active),
            share: marks.share,
            assigned: marks.assigned.as_ref().map(people::Assigned::number),
            people: whom(app, &scope).await?,
            latest_release: newest(releases).map(|release| release.version),
            releases: versions,
            durations: DURATIONS.into_iter().zip(words.durations).collect(),
            windows: WINDOWS.into_iter().zip(words.windows).collect(),
            times_seen: issue.times_seen,
            count: count(issue.times_seen),
            users_seen: issue.users_seen,
            users: count(issue.users_seen),
            first_seen: When::new(issue.first_seen, now, phrases),
            first_release: ends.0,
            last_seen: When::new(issue.last_seen, now, phrases),
            last_release: ends.1,
            day: bars(&day),
            month: bars(&month),
            url,
            is_wrong: false,
        })
    }
}

fn tabs(url: &str, current: Tab, (words, phrases): (&Words, &Phrases), (marks, events): (&Marks, i64)) -> Vec<TabLink> {
    let link = |tab: Tab| TabLink {
        url: format!("{url}{}", tab.path()),
        label: tab.label(words, phrases),
        count: match tab {
            Tab::Activity => Some(marks.comments).filter(|comments| *comments > 0).map(count),
            Tab::Events => Some(count(events)),
            _ => None,
        },
        is_current: tab == current,
    };
    Tab::ALL.into_iter().map(link).collect()
}
