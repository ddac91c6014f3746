//! The fingerprints of an issue: what it is made of, what is taken out of it, and what it is merged with.

use askama::Template;
use axum::{
    extract::{Query, State},
    response::{Html, Redirect},
};
use axum_extra::extract::Form;
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    access::IssueAccess,
    app::App,
    issues::{
        By, Status,
        merging::{self, Unmerged},
        path,
        words::Words,
    },
    protocol::fingerprint::Fingerprint,
    ui::{Language, Page, Tab, When, render},
    web::Error,
};

use super::head::{Head, Tab as HeadTab};

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    wrong: String,
}

#[derive(Template)]
#[template(path = "issues/fingerprints.html")]
struct FingerprintsPage {
    page: Page,
    words: &'static Words,
    head: Head,
    rows: Vec<Row>,
    wrong: Option<&'static str>,
}

/// A fingerprint, and the last event that had it.
struct Row {
    id: Uuid,
    latest: Option<(String, String, When)>,
}

pub(super) async fn show(
    State(app): State<App>,
    language: Language,
    found: IssueAccess,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    let issue = &found.issue;
    let page = found.access.page(language).at(Tab::Issues);
    let words = Words::of(language);
    let head = Head::read(&app, &found, language, HeadTab::Fingerprints).await?;
    let hashes = merging::hashes(&app.db, issue.project_id, issue.id).await?;
    let latest = merging::latest(&app.db, issue).await?;
    let row = |hash: &merging::Hash| Row {
        id: Uuid::from_bytes(hash.fingerprint.0),
        latest: latest.iter().find(|latest| latest.is_of(hash)).map(|latest| {
            let id = latest.event.simple().to_string();
            let url = format!("{}events/{id}/", head.url);
            (url, id[..8].to_owned(), When::new(latest.at, app.now(), page.phrases))
        }),
    };
    let rows = hashes.iter().map(row).collect();
    let wrong = match asked.wrong.as_str() {
        "" => None,
        "merge" => Some(words.merge_with_wrong),
        _ => Some(words.unmerge_not_all),
    };
    Ok(render(&FingerprintsPage { page, words, head, rows, wrong })?)
}

#[derive(Deserialize)]
pub(super) struct Picked {
    #[serde(default)]
    id: Vec<Uuid>,
}

/// `POST fingerprints/separation/`
pub(super) async fn separate(
    State(app): State<App>,
    found: IssueAccess,
    Form(picked): Form<Picked>,
) -> Result<Redirect, Error> {
    let IssueAccess { access, issue } = found;
    let by = By { user: access.user.id, at: app.now() };
    let fingerprints: Vec<Fingerprint> = picked.id.iter().map(|id| Fingerprint(*id.as_bytes())).collect();
    let here = |issue| path(&access.organization.slug, &access.project.slug, issue);
    Ok(Redirect::to(&match merging::unmerge(&app, by, (issue.project_id, issue.id), &fingerprints).await? {
        Unmerged::Into(new) => here(new),
        Unmerged::Nothing => format!("{}fingerprints/?wrong=all", here(issue.id)),
    }))
}
