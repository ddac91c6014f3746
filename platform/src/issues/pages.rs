//! The stream of issues, of a project and of an organisation; what is done to issues on pages.

mod activity;
mod asked;
mod bulk;
mod decisions;
mod fingerprints;
pub mod head;
mod menus;
mod place;
mod rows;
mod searches;
mod tags;

use askama::Template;
use axum::{
    Router,
    extract::{Query, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use super::{
    Status,
    api::{Scope, saved::Asker},
    paging::Slice,
    people, saved,
    search::{self, DEFAULT_QUERY, Found, Question, Search, problem::Problem, suggest},
    store,
    words::Words,
};
use crate::{
    app::App,
    projects::pages::{Waiting, guide},
    ui::{self, Language, Page, render},
    web::Error,
};
use asked::Asked;
use menus::{Choice, Menu};
use place::Place;
use rows::Row;
use searches::Named;

const PAGE_SIZE: usize = 50;
/// Completions of a query that finds nothing.
const COMPLETIONS: usize = 8;

/// The pages of this slice. An issue's own page shows one of its events: `events::pages`.
pub fn routes() -> Router<App> {
    let mut router = of_issue(Router::new());
    for list in ["/{org}/issues/", "/{org}/{project}/issues/"] {
        router = router
            .route(list, get(stream))
            .route(&format!("{list}bulk/"), post(bulk::act))
            .route(&format!("{list}undo/"), post(bulk::undo))
            .route(&format!("{list}searches/"), post(searches::save))
            .route(&format!("{list}searches/{{search}}/deletion/"), post(searches::delete));
    }
    router
}

fn of_issue(mut router: Router<App>) -> Router<App> {
    for (path, methods) in [
        ("decision/", post(decisions::decide)),
        ("activity/", get(activity::show)),
        ("comments/", post(activity::write)),
        ("comments/{comment}/", post(activity::edit)),
        ("comments/{comment}/deletion/", post(activity::remove)),
        ("tags/", get(tags::show)),
        ("fingerprints/", get(fingerprints::show)),
        ("fingerprints/separation/", post(fingerprints::separate)),
    ] {
        router = router.route(&format!("/{{org}}/{{project}}/issues/{{issue}}/{path}"), methods);
    }
    router
}

#[derive(Template)]
#[template(path = "issues/list.html")]
struct List {
    page: Page,
    words: &'static Words,
    /// Whose issues these are, where they are not those of one project.
    of: Option<String>,
    base: String,
    asked: Asked,
    query: String,
    /// The address of the suggestions for what is typed.
    suggest: String,
    spot: Option<Spot>,
    completions: Vec<(String, String)>,
    tabs: Vec<Choice>,
    menus: Vec<Menu>,
    spans: Vec<Choice>,
    saved: Vec<Named>,
    decides: bool,
    examples: Vec<(&'static str, &'static str, String)>,
    notice: Option<Notice>,
    people: Vec<Person>,
    one_project: bool,
    here: String,
    shown: String,
    /// The address of the lines alone, where new ones come in at the top.
    live: String,
    rows: Vec<Row>,
    empty: Empty,
    previous: Option<String>,
    next: Option<String>,
}

/// The lines alone.
#[derive(Template)]
#[template(path = "issues/rows.html")]
struct Lines {
    page: Page,
    words: &'static Words,
    rows: Vec<Row>,
}

/// Where a query is wrong, and why. The places count as a browser does.
pub struct Spot {
    pub before: String,
    pub marked: String,
    pub after: String,
    pub why: String,
    pub from: usize,
    pub to: usize,
}

/// What was done just now.
struct Notice {
    text: String,
    is_bad: bool,
    undo: Option<String>,
}

/// Whom issues can be given to.
pub struct Person {
    /// As a form names them.
    pub value: String,
    pub label: String,
}

/// What a list without lines says.
#[derive(Default)]
struct Empty {
    heading: &'static str,
    text: &'static str,
    ways: Vec<(&'static str, String)>,
}

/// What a list begins with.
struct Start {
    saved: Vec<saved::Saved>,
    asked: Asked,
    query: String,
}

async fn stream(State(app): State<App>, place: Place, Query(asked): Query<Asked>) -> Result<Response, Error> {
    let words = Words::of(place.language);
    let start = Start::read(&app, &place, asked).await?;
    let understood = Search::parse(&start.query);
    let (found, is_slow) = find(&app, &place, &start.asked, understood.as_ref().ok()).await?;
    let rows = rows::rows(&app, &place, &found.rows, start.asked.window()).await?;
    if start.asked.part == "rows" {
        return Ok(render(&Lines { page: place.page, words, rows })?.into_response());
    }
    // Who has just deleted the last issue knows how to report one.
    if let Some(access) = place.access.as_ref().filter(|_| rows.is_empty() && start.asked.done.is_empty())
        && !store::any(&app.db, access.project.id).await?
    {
        return Ok(guide(&app, place.language, access, Waiting::Yes).await?.into_response());
    }
    let mut list = List::new(&app, place, start, &understood).await?;
    if is_slow {
        list.notice = Some(Notice { text: list.page.phrases.search_too_slow.into(), is_bad: true, undo: None });
    }
    let turn = |cursor: Option<super::paging::Cursor<i64>>| cursor.map(|cursor| list.asked.at(&cursor.to_string()));
    (list.previous, list.next) = (turn(found.previous), turn(found.next));
    list.shown = rows.iter().map(|row| row.id.to_string()).collect::<Vec<_>>().join(" ");
    list.rows = rows;
    Ok(render(&list)?.into_response())
}

/// One page of the list, and whether it took too long.
async fn find(
    app: &App,
    place: &Place,
    asked: &Asked,
    search: Option<&Search>,
) -> Result<(Slice<super::Issue, i64>, bool), Error> {
    let nothing = || Slice { rows: Vec::new(), previous: None, next: None };
    let Some(search) = search else { return Ok((nothing(), false)) };
    let question = Question {
        user: place.scope.user.id,
        projects: &place.scope.projects,
        search: asked.narrow(search.clone(), app.now()),
        sort: asked.sort(),
        now: app.now(),
    };
    match search::find(&app.db, &question, asked.cursor(), PAGE_SIZE).await? {
        Found::Page(page) => Ok((page, false)),
        Found::TooSlow => Ok((nothing(), true)),
    }
}

impl Start {
    /// Who comes without a query finds what they, or everybody, chose to find first.
    async fn read(app: &App, place: &Place, mut asked: Asked) -> Result<Start, Error> {
        if asked.part == "rows" {
            let query = asked.query.clone().unwrap_or_else(|| DEFAULT_QUERY.to_owned());
            return Ok(Start { saved: Vec::new(), asked, query });
        }
        let saved = saved::list(&app.db, place.searches(), place.scope.user.id).await?;
        if asked.query.is_none()
            && let Some(first) =
                saved.iter().find(|s| s.is_user_default).or_else(|| saved.iter().find(|s| s.is_default))
        {
            asked.query = Some(first.query.clone());
            if asked.sort.is_empty() && first.sort != "date" {
                asked.sort.clone_from(&first.sort);
            }
        }
        let query = asked.query.clone().unwrap_or_else(|| DEFAULT_QUERY.to_owned());
        Ok(Start { saved, asked, query })
    }
}

impl List {
    /// The page around the lines.
    async fn new(
        app: &App,
        place: Place,
        Start { saved, asked, query }: Start,
        understood: &Result<Search, Problem>,
    ) -> Result<List, Error> {
        let words = Words::of(place.language);
        let nothing = Search::default();
        let search = understood.as_ref().unwrap_or(&nothing);
        let spot = understood.as_ref().err().map(|problem| Spot::new(&query, problem, place.language));
        let asker = Asker { place: place.searches(), scope: place.scope.clone() };
        let decides = asker.scope.decides;
        let base = place.base();
        let menus = menus::menus(app, &place, &asked, &query).await?;
        let completions = completions(app, &place, (&asked, &query), spot.is_some()).await?;
        Ok(List {
            of: place.project().is_none().then(|| place.scope.organization.name.clone()),
            suggest: suggestions_of(&place),
            completions,
            tabs: menus::tabs(place.page.phrases, search, &asked),
            menus,
            spans: menus::spans(words, &asked, &query),
            saved: searches::named(&place, &saved, (&asked, &query)),
            decides,
            examples: examples(words, &asked),
            notice: Notice::of(&asked, words),
            people: whom(app, &place.scope).await?,
            one_project: place.access.is_some(),
            here: asked.here(),
            shown: String::new(),
            live: if asked.cursor.is_empty() { ui::query(&live(&asked, &query)) } else { String::new() },
            rows: Vec::new(),
            empty: Empty::of(words, (&asked, &query), spot.is_some()),
            previous: None,
            next: None,
            page: place.page,
            words,
            base,
            asked,
            query,
            spot,
        })
    }
}

/// The lines alone, of the same first page.
fn live<'a>(asked: &'a Asked, query: &'a str) -> [(&'static str, Option<&'a str>); 6] {
    let some = |text: &'a str| Some(text).filter(|text| !text.is_empty());
    [
        ("query", Some(query)),
        ("sort", some(&asked.sort)),
        ("environment", some(&asked.environment)),
        ("period", some(&asked.period)),
        ("stats", some(&asked.stats)),
        ("part", Some("rows")),
    ]
}

/// Everybody and every team of the organisation; whoever asks is first.
pub(super) async fn whom(app: &App, scope: &Scope) -> Result<Vec<Person>, Error> {
    let organization = scope.organization.id;
    let mut members = people::members(&app.db, organization).await?;
    members.sort_by_key(|person| person.id != scope.user.id);
    let teams = people::teams(&app.db, organization).await?;
    let person = |person: people::Person| Person {
        value: format!("user:{}", person.id.0),
        label: if person.name.is_empty() { person.email } else { person.name },
    };
    let team = |team: people::Team| Person { value: format!("team:{}", team.id), label: format!("#{}", team.slug) };
    Ok(members.into_iter().map(person).chain(teams.into_iter().map(team)).collect())
}

fn suggestions_of(place: &Place) -> String {
    let project = place.project().map(|project| project.id.0.to_string());
    let query = ui::query(&[("project", project.as_deref())]);
    format!("/api/0/organizations/{}/search-suggestions/{query}", place.scope.organization.slug)
}

/// What the end of a query that is wrong may become: the suggestions of whoever has no JavaScript.
async fn completions(
    app: &App,
    place: &Place,
    (asked, query): (&Asked, &str),
    is_wrong: bool,
) -> Result<Vec<(String, String)>, Error> {
    if !is_wrong {
        return Ok(Vec::new());
    }
    let found = suggest::suggest(&app.db, &place.scope.projects, query, query.len()).await?;
    let (before, after) = (&query[..found.span.start], &query[found.span.end..]);
    let completed = found.texts.into_iter().take(COMPLETIONS).map(|text| format!("{before}{text}{after}"));
    Ok(completed.map(|query| (query.clone(), asked.with_query(query).first())).collect())
}

fn examples(words: &Words, asked: &Asked) -> Vec<(&'static str, &'static str, String)> {
    words.examples.iter().map(|(query, meaning)| (*query, *meaning, asked.with_query(*query).first())).collect()
}

impl Spot {
    /// Of what somebody typed.
    pub fn new(query: &str, problem: &Problem, language: Language) -> Spot {
        let at = problem.span.start.min(query.len())..problem.span.end.min(query.len());
        let units = |text: &str| text.encode_utf16().count();
        let (before, marked, after) = (&query[..at.start], &query[at.clone()], &query[at.end..]);
        Spot {
            before: before.to_owned(),
            marked: marked.to_owned(),
            after: after.to_owned(),
            why: problem.text(language),
            from: units(before),
            to: units(before) + units(marked),
        }
    }
}

impl Notice {
    fn of(asked: &Asked, words: &Words) -> Option<Notice> {
        let undo = Some(asked.undo.clone()).filter(|undo| !undo.is_empty());
        let (text, is_bad) = match asked.done.as_str() {
            "" => return None,
            "nothing" => (words.nothing_picked.to_owned(), true),
            "impossible" => (words.not_possible.to_owned(), true),
            "saved" => (words.search_saved.to_owned(), false),
            "deleted" => (words.search_deleted.to_owned(), false),
            "not-saved" => (words.search_not_saved.to_owned(), true),
            act => ((words.done)(act, asked.many), false),
        };
        Some(Notice { text, is_bad, undo })
    }
}

impl Empty {
    fn of(words: &Words, (asked, query): (&Asked, &str), is_wrong: bool) -> Empty {
        if is_wrong {
            return Empty { heading: words.not_understood, text: words.not_understood_text, ways: Vec::new() };
        }
        let mut ways = Vec::new();
        if !asked.period.is_empty() {
            ways.push((words.any_time, Asked { period: String::new(), ..asked.with_query(query) }.first()));
        }
        if !asked.environment.is_empty() {
            ways.push((words.any_environment, Asked { environment: String::new(), ..asked.with_query(query) }.first()));
        }
        let is_plain = query == DEFAULT_QUERY && ways.is_empty();
        if !query.is_empty() {
            ways.push((words.everything, asked.with_query("").first()));
        }
        let (heading, text) = if is_plain {
            (words.none_unresolved, words.none_unresolved_text)
        } else {
            (words.none_found, words.none_found_text)
        };
        Empty { heading, text, ways }
    }
}
