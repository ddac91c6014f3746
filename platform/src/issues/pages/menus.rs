//! What a list can be narrowed to and ordered by: links, so that each choice has an address.

use crate::{
    app::App,
    issues::{
        Status,
        search::Search,
        store::Window,
        tags,
        words::{PERIODS, SORTS, Words},
    },
    projects,
    ui::Phrases,
    web::Error,
};

use super::{
    asked::Asked,
    place::{Place, list_path},
};

/// Environments that a menu lists.
const MOST: i64 = 100;

/// One of several possibilities.
pub(super) struct Choice {
    pub label: String,
    pub url: String,
    pub is_current: bool,
}

/// Several possibilities, and which of them is chosen.
pub(super) struct Menu {
    pub label: &'static str,
    pub value: String,
    /// Whether it is another one than usual.
    pub is_set: bool,
    pub choices: Vec<Choice>,
}

impl Menu {
    fn new(label: &'static str, choices: Vec<Choice>) -> Menu {
        let chosen = choices.iter().position(|choice| choice.is_current);
        let value = chosen.map(|nth| choices[nth].label.clone()).unwrap_or_default();
        Menu { label, value, is_set: chosen.is_some_and(|nth| nth > 0), choices }
    }
}

/// The statuses over the list.
pub(super) fn tabs(phrases: &Phrases, search: &Search, asked: &Asked) -> Vec<Choice> {
    let statuses = [
        (phrases.unresolved, Some(Status::Unresolved)),
        (phrases.resolved, Some(Status::Resolved)),
        (phrases.ignored, Some(Status::Ignored)),
        (phrases.all, None),
    ];
    let tab = |(label, status): (&str, Option<Status>)| Choice {
        label: label.to_owned(),
        // An empty query is not the same as none, which means unresolved.
        url: asked.with_query(search.with_status(status)).first(),
        is_current: search.status() == status,
    };
    statuses.into_iter().map(tab).collect()
}

/// The two series that the graphs show.
pub(super) fn spans(words: &Words, asked: &Asked, query: &str) -> Vec<Choice> {
    let of = |(window, label): (Window, &str)| {
        let stats = if window == Window::Day { "" } else { window.name() };
        let url = Asked { stats: stats.to_owned(), ..asked.with_query(query) }.here();
        Choice { label: label.to_owned(), url, is_current: asked.window() == window }
    };
    [Window::Day, Window::Fortnight].into_iter().zip(words.spans).map(of).collect()
}

/// The menus beside the statuses.
pub(super) async fn menus(app: &App, place: &Place, asked: &Asked, query: &str) -> Result<Vec<Menu>, Error> {
    let words = Words::of(place.language);
    let same = asked.with_query(query);
    let mut menus = Vec::new();
    menus.extend(projects_of(app, place, &same, words).await?);
    let environments = tags::names(&app.db, &place.scope.numbers(), "environment", MOST).await?;
    let choice = |label: String, environment: &str| Choice {
        label,
        url: Asked { environment: environment.to_owned(), ..same.clone() }.first(),
        is_current: same.environment == environment,
    };
    let mut choices = vec![choice(words.any.to_owned(), "")];
    choices.extend(environments.into_iter().map(|name| choice(name.clone(), &name)));
    if choices.len() > 1 || !same.environment.is_empty() {
        if !choices.iter().any(|choice| choice.is_current) {
            choices.push(choice(same.environment.clone(), &same.environment));
        }
        menus.push(Menu::new(words.environment, choices));
    }
    let period = |((name, _), label): ((&str, i64), &str)| Choice {
        label: label.to_owned(),
        url: Asked { period: name.to_owned(), ..same.clone() }.first(),
        is_current: same.period == name,
    };
    let mut periods: Vec<Choice> = PERIODS.into_iter().zip(words.periods).map(period).collect();
    if !periods.iter().any(|choice| choice.is_current) {
        periods[0].is_current = true;
    }
    menus.push(Menu::new(words.period, periods));
    let sort = |(name, label): (&str, &str)| Choice {
        label: label.to_owned(),
        url: Asked { sort: if name == SORTS[0] { String::new() } else { name.to_owned() }, ..same.clone() }.first(),
        is_current: same.sort() == crate::issues::search::Sort::parse(name).unwrap_or_default(),
    };
    menus.push(Menu::new(words.sort, SORTS.into_iter().zip(words.sorts).map(sort).collect()));
    Ok(menus)
}

/// The other projects of the organisation, where there are any.
async fn projects_of(app: &App, place: &Place, same: &Asked, words: &'static Words) -> Result<Option<Menu>, Error> {
    let organization = &place.scope.organization;
    let all = projects::store::seen(&app.db, &place.scope.user, organization.id).await?;
    if all.len() < 2 {
        return Ok(None);
    }
    let here = place.project().map(|project| project.id);
    let address = same.first();
    let mut choices = vec![Choice {
        label: words.all_projects.to_owned(),
        url: format!("{}{address}", list_path(&organization.slug, None)),
        is_current: here.is_none(),
    }];
    choices.extend(all.iter().map(|project| Choice {
        label: project.name.clone(),
        url: format!("{}{address}", list_path(&organization.slug, Some(&project.slug))),
        is_current: here == Some(project.id),
    }));
    let menu = Menu::new(words.project, choices);
    Ok(Some(Menu { is_set: false, ..menu }))
}
