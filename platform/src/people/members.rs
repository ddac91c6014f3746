//! The members of an organisation, and who was invited.

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use axum_extra::extract::Form;
use serde::Deserialize;

use super::{
    frame::{Asked, Done, Frame, Section, may},
    organization::roles,
    words::Words,
};
use crate::{
    access::Membership,
    app::App,
    members::{
        self, Change, Member, Refused,
        api::is_email,
        invitations::{self, Invite, Invited},
    },
    permissions::{Role, Scope},
    teams::{self, Team, TeamId, api::Decision, store::Request},
    ui::{Initials, Language, Page, render},
    web::Error,
};

/// The routes of this page.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/settings/{org}/members/", get(show).post(invite))
        .route("/settings/{org}/members/{member}/", post(change))
        .route("/settings/{org}/members/{member}/removal/", post(remove))
        .route("/settings/{org}/members/me/removal/", post(leave))
        .route("/settings/{org}/requests/{request}/", post(answer))
}

#[derive(Template)]
#[template(path = "people/members.html")]
struct MembersPage {
    page: Page,
    words: &'static Words,
    frame: Frame,
    base: String,
    slug: String,
    members: Vec<Row>,
    requests: Vec<Request>,
    teams: Vec<Team>,
    roles: Vec<Role>,
    form: Sent,
    link: Option<String>,
    may_invite: bool,
    may_answer: bool,
}

#[expect(clippy::struct_excessive_bools, reason = "each shows or hides a part of the row")]
struct Row {
    member: Member,
    initials: Initials,
    is_self: bool,
    is_over: bool,
    /// Whether whoever looks may change them.
    may_change: bool,
    may_remove: bool,
}

/// The form of an invitation, and of a change.
#[derive(Default, Deserialize)]
struct Sent {
    #[serde(default)]
    email: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    team: Vec<String>,
}

async fn show(
    State(app): State<App>,
    language: Language,
    membership: Membership,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    page(&app, language, &membership, (&asked, Told::default())).await
}

/// What the page tells besides who is there.
#[derive(Default)]
struct Told {
    form: Sent,
    link: Option<String>,
    problem: Option<&'static str>,
}

async fn page(
    app: &App,
    language: Language,
    membership: &Membership,
    (asked, told): (&Asked, Told),
) -> Result<Html<String>, Error> {
    let words = Words::of(language);
    let (organization, user) = (membership.organization.id, membership.visitor.user.id);
    let now = app.now();
    let row = |member: Member| {
        let in_reach = membership.most().is_some_and(|most| member.role <= most);
        Row {
            initials: Initials::of(member.shown()),
            is_self: member.user_id == Some(user),
            is_over: member.expires_at.is_some_and(|until| until <= now),
            may_change: in_reach && may(membership, Scope::MemberWrite),
            may_remove: in_reach && may(membership, Scope::MemberAdmin),
            member,
        }
    };
    let requests = if may(membership, Scope::TeamWrite) {
        teams::store::requests(&app.db, organization).await?
    } else {
        Vec::new()
    };
    Ok(render(&MembersPage {
        page: membership.page(language),
        frame: Frame::of(app, membership, Section::Members, (words, asked)).await?.with(told.problem),
        base: Section::Members.url(&membership.organization.slug),
        slug: membership.organization.slug.clone(),
        members: members::store::list(&app.db, organization).await?.into_iter().map(row).collect(),
        teams: teams::store::list(&app.db, organization, user).await?,
        roles: roles(membership),
        may_invite: may(membership, Scope::MemberWrite),
        may_answer: !requests.is_empty(),
        form: told.form,
        link: told.link,
        requests,
        words,
    })?)
}

async fn refused(app: &App, language: Language, membership: &Membership, told: Told) -> Result<Response, Error> {
    let page = page(app, language, membership, (&Asked::default(), told)).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

async fn team_ids(app: &App, membership: &Membership, slugs: &[String]) -> Result<Vec<TeamId>, Error> {
    let found = teams::store::by_slugs(&app.db, membership.organization.id, slugs).await?;
    Ok(found.into_iter().map(|(id, _)| id).collect())
}

async fn invite(
    State(app): State<App>,
    language: Language,
    membership: Membership,
    Form(form): Form<Sent>,
) -> Result<Response, Error> {
    let words = Words::of(language);
    let email = form.email.trim().to_owned();
    let role = form.role.parse::<Role>().ok().filter(|role| membership.most().is_some_and(|most| *role <= most));
    let problem = match role {
        None => Some(words.too_high),
        Some(_) if !is_email(&email) => Some(words.wrong_email),
        Some(_) => None,
    };
    let (Some(role), None) = (role, problem) else {
        return refused(&app, language, &membership, Told { form, problem, link: None }).await;
    };
    let asked = Invite { email, role, teams: team_ids(&app, &membership, &form.team).await? };
    match invitations::invite(&app, &membership.visitor.actor(), &membership.organization, &asked).await? {
        Invited::AlreadyMember => {
            let problem = Some(words.already_member);
            refused(&app, language, &membership, Told { form, problem, link: None }).await
        }
        // The link stands on this page alone: in an address it would be kept by browsers and proxies.
        Invited::Sent { link, .. } => {
            let told = Told { link: Some(link), ..Told::default() };
            Ok(page(&app, language, &membership, (&Asked::default(), told)).await?.into_response())
        }
    }
}

#[derive(Deserialize)]
struct Named {
    member: i64,
}

async fn find(app: &App, membership: &Membership, id: i64) -> Result<Member, Error> {
    let members = members::store::list(&app.db, membership.organization.id).await?;
    members.into_iter().find(|member| member.id == id).ok_or(Error::NotFound)
}

fn why(words: &Words, refused: Refused) -> &'static str {
    match refused {
        Refused::TooHigh => words.too_high,
        Refused::LastOwner => words.last_owner,
    }
}

async fn change(
    State(app): State<App>,
    language: Language,
    membership: Membership,
    Path(Named { member }): Path<Named>,
    Form(form): Form<Sent>,
) -> Result<Response, Error> {
    let member = find(&app, &membership, member).await?;
    let role = form.role.parse().unwrap_or(member.role);
    let teams = Some(team_ids(&app, &membership, &form.team).await?);
    let place = (membership.organization.id, membership.most());
    let changed =
        members::change(&app.db, &membership.visitor.actor(), place, (&member, Change { role, teams })).await?;
    match changed {
        Ok(()) => Ok(Done::MemberChanged.redirect(&Section::Members.url(&membership.organization.slug))),
        Err(refusal) => {
            let problem = Some(why(Words::of(language), refusal));
            refused(&app, language, &membership, Told { problem, ..Told::default() }).await
        }
    }
}

async fn remove(
    State(app): State<App>,
    language: Language,
    membership: Membership,
    Path(Named { member }): Path<Named>,
) -> Result<Response, Error> {
    let member = find(&app, &membership, member).await?;
    removed(&app, language, &membership, &member).await
}

async fn leave(State(app): State<App>, language: Language, membership: Membership) -> Result<Response, Error> {
    let members = members::store::list(&app.db, membership.organization.id).await?;
    let me = members.into_iter().find(|member| member.user_id == Some(membership.visitor.user.id));
    removed(&app, language, &membership, &me.ok_or(Error::NotFound)?).await
}

async fn removed(app: &App, language: Language, membership: &Membership, member: &Member) -> Result<Response, Error> {
    let place = (membership.organization.id, membership.most());
    match members::remove(&app.db, &membership.visitor.actor(), place, member).await? {
        Ok(()) if member.user_id == Some(membership.visitor.user.id) => Ok(Redirect::to("/").into_response()),
        Ok(()) => Ok(Done::MemberRemoved.redirect(&Section::Members.url(&membership.organization.slug))),
        Err(refusal) => {
            let problem = Some(why(Words::of(language), refusal));
            refused(app, language, membership, Told { problem, ..Told::default() }).await
        }
    }
}

#[derive(Deserialize)]
struct Answered {
    request: i64,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    answer: String,
}

async fn answer(
    State(app): State<App>,
    membership: Membership,
    Path(Answered { request }): Path<Answered>,
    Form(Answer { answer }): Form<Answer>,
) -> Result<Response, Error> {
    let decision = if answer == "yes" { Decision::Yes } else { Decision::No };
    teams::api::decide(&app, &membership, request, decision).await?;
    Ok(Done::MemberChanged.redirect(&Section::Members.url(&membership.organization.slug)))
}
