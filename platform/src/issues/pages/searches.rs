//! Searches that are saved and deleted on the page of a list.

use axum::{
    extract::{Path, State},
    response::Redirect,
};
use axum_extra::extract::Form;
use serde::Deserialize;

use crate::{
    app::App,
    issues::{
        api::saved::{self, Asker},
        saved::{BUILT_IN, Saved},
    },
    web::Error,
};

use super::{asked::Asked, place::Place};

/// A search with a name, as the menu lists it.
pub(super) struct Named {
    pub name: String,
    pub query: String,
    pub url: String,
    pub is_current: bool,
    pub is_own: bool,
    /// By this number, by whoever looks at it.
    pub removable: Option<i64>,
}

/// Those that come with Picket and those that were saved. Who decides may delete everybody's.
pub(super) fn named(place: &Place, saved: &[Saved], (asked, query): (&Asked, &str)) -> Vec<Named> {
    let base = place.base();
    let words = crate::issues::words::Words::of(place.language);
    let url = |query: &str, sort: &str| {
        let asked = Asked { query: Some(query.to_owned()), sort: sort.to_owned(), ..Asked::default() };
        format!("{base}{}", Asked { stats: asked.stats.clone(), ..asked }.first())
    };
    let built_in = BUILT_IN.iter().zip(words.built_in).map(|((_, find), name)| Named {
        name: name.to_owned(),
        query: (*find).to_owned(),
        url: url(find, ""),
        is_current: *find == query && asked.sort.is_empty(),
        is_own: false,
        removable: None,
    });
    let own = saved.iter().map(|search| {
        let is_own = search.owner == Some(place.scope.user.id);
        let sort = if search.sort == "date" { "" } else { &search.sort };
        Named {
            name: search.name.clone(),
            query: search.query.clone(),
            url: url(&search.query, sort),
            is_current: search.query == query && sort == asked.sort,
            is_own,
            removable: place.scope.may_change(search).then_some(search.id),
        }
    });
    built_in.chain(own).collect()
}

#[derive(Deserialize)]
pub(super) struct Sent {
    #[serde(default)]
    name: String,
    #[serde(default)]
    query: String,
    #[serde(default)]
    sort: String,
    everybody: Option<String>,
    first: Option<String>,
    #[serde(default)]
    back: String,
}

/// `POST searches/`
pub(super) async fn save(State(app): State<App>, place: Place, Form(sent): Form<Sent>) -> Result<Redirect, Error> {
    let (base, back) = (place.base(), Asked::back(&sent.back));
    let is_for_all = sent.everybody.is_some();
    let wanted = saved::Sent {
        name: Some(sent.name),
        query: Some(sent.query),
        sort: Some(sent.sort).filter(|sort| !sort.is_empty()),
        is_default: is_for_all && sent.first.is_some(),
        is_user_default: !is_for_all && sent.first.is_some(),
        visibility: is_for_all.then(|| "organization".into()),
    };
    let asker = Asker { place: place.searches(), scope: place.scope };
    let done = match saved::save(&app, &asker, &wanted).await {
        Ok(_) => "saved",
        Err(Error::Fields(_) | Error::Invalid(_)) => "not-saved",
        Err(error) => return Err(error),
    };
    Ok(Redirect::to(&format!("{base}{}", back.after(done, 0, ""))))
}

#[derive(Deserialize)]
pub(super) struct SearchPath {
    search: i64,
}

#[derive(Deserialize)]
pub(super) struct Back {
    #[serde(default)]
    back: String,
}

/// `POST searches/{search}/deletion/`
pub(super) async fn delete(
    State(app): State<App>,
    place: Place,
    Path(path): Path<SearchPath>,
    Form(sent): Form<Back>,
) -> Result<Redirect, Error> {
    let base = place.base();
    let asker = Asker { place: place.searches(), scope: place.scope };
    saved::delete(&app, &asker, path.search).await?;
    Ok(Redirect::to(&format!("{base}{}", Asked::back(&sent.back).after("deleted", 0, ""))))
}
