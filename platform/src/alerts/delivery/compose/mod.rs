//! From a row to a message: what is known of the issue by now is read, put into words, and sent.

mod acts;
mod store;

use anyhow::{Context, Result};
use chrono_tz::Tz;
use uuid::Uuid;

use super::{Delivery, LaneKey, News, store as waiting};
use crate::{
    alerts::{RuleId, mails, preferences::Mails},
    app::App,
    channels::{
        self, Channel, Failure,
        letter::{self, About},
        message::{Digest, Message, News as Words, Notice, Sending},
        setup::sending,
    },
    issues,
    projects::ProjectId,
    ui::Language,
};

/// Issues that a digest names.
const MOST_NAMED: usize = 20;

/// Tells of one issue.
pub(super) async fn tell(
    app: &App,
    key: LaneKey,
    channel: Option<&Channel>,
    delivery: &Delivery,
) -> Result<Result<(), Failure>> {
    let Some(mut notice) = notice(app, key, delivery).await? else {
        return Ok(Err(Failure::refused("issue gone", "")));
    };
    if let Some(id) = delivery.activity {
        let activity = store::activity(&app.db, (delivery.project, delivery.issue), id).await;
        let Some(activity) = activity.context("reading what somebody did")? else {
            return Ok(Err(Failure::refused("issue gone", "")));
        };
        notice.act = Some(acts::act(&activity, key.user));
    }
    send(app, key, channel, (&Message::Alert(notice), delivery.id, delivery.project)).await
}

/// Tells of all that is in a digest.
pub(super) async fn tell_digest(
    app: &App,
    key: LaneKey,
    channel: Option<&Channel>,
    id: Uuid,
) -> Result<Result<(), Failure>> {
    let parts = waiting::parts(&app.db, key, id).await.context("reading what a digest tells of")?;
    let (Some(first), count) = (parts.first(), parts.len()) else { return Ok(Ok(())) };
    let project = first.project;
    let (since, until) = parts
        .iter()
        .fold((first.since, first.until), |(since, until), part| (since.min(part.since), until.max(part.until)));
    let alerts = parts.iter().map(|part| part.alerts).sum();
    let mut lines = Vec::new();
    for part in parts.iter().take(MOST_NAMED) {
        let delivery = Delivery {
            project: part.project,
            id,
            rule: RuleId(0),
            issue: part.issue,
            event: part.event,
            news: News::Happened,
            activity: None,
            attempts: 1,
            created_at: part.since,
        };
        if let Some(notice) = notice(app, key, &delivery).await? {
            lines.push((notice, part.alerts));
        }
    }
    let url = match lines.first() {
        Some((notice, _)) => format!("/{}/{}/issues/", notice.organization, notice.project),
        None => "/".to_owned(),
    };
    let issues = i64::try_from(count).unwrap_or(i64::MAX);
    let digest = Digest { alerts, issues, since, until, lines, url: app.config.site.url(&url) };
    send(app, key, channel, (&Message::Digest(digest), id, project)).await
}

async fn send(
    app: &App,
    key: LaneKey,
    channel: Option<&Channel>,
    (message, id, project): (&Message, Uuid, ProjectId),
) -> Result<Result<(), Failure>> {
    if let Some(channel) = channel {
        return Ok(channels::send(app, channel, message, &sending(app, id)).await);
    }
    if key.channel.0 != 0 {
        return Ok(Err(Failure::refused("gone", "")));
    }
    let Some(person) = store::person(&app.db, key.user).await.context("reading who is told")? else {
        return Ok(Err(Failure::refused("gone", "")));
    };
    let language = person.language.as_deref().and_then(Language::named).unwrap_or(Language::English);
    let zone = person.timezone.as_ref().unwrap_or(&app.config.site.timezone).parse().unwrap_or(Tz::UTC);
    let sending = Sending { id, at: app.now(), language, zone };
    let mails = match message {
        Message::Alert(notice) if notice.act.is_some() => Mails::Activity,
        _ => Mails::Alerts,
    };
    let unsubscribe = Some(app.config.site.url(&mails::path(app, (key.user, project), mails)));
    let about = About { message, sending: &sending, unsubscribe };
    match letter::write(&about, vec![person.email]) {
        Ok(mail) => Ok(channels::post(app, &mail).await),
        Err(error) => Ok(Err(Failure::refused("form", &format!("{error:#}")))),
    }
}

async fn notice(app: &App, lane: LaneKey, delivery: &Delivery) -> Result<Option<Notice>> {
    let key = (delivery.project, delivery.issue, delivery.rule);
    let about = store::about(&app.db, key, (delivery.event, lane.user)).await.context("reading what is told")?;
    let assignee = store::assignee(&app.db, (delivery.project, delivery.issue)).await;
    let assignee = assignee.context("reading who sees to an issue")?.map(acts::assignee);
    Ok(about.map(|about| {
        let path = issues::path(&about.organization, &about.project, delivery.issue);
        Notice {
            news: words(delivery.news),
            rule: about.rule,
            short_id: format!("{}-{}", about.project.to_uppercase(), about.short_id),
            organization: about.organization,
            project: about.project,
            project_name: about.project_name,
            issue: delivery.issue.0,
            event: delivery.event,
            title: about.title,
            culprit: about.culprit,
            level: about.level,
            environment: about.environment,
            release: about.release,
            events: about.times_seen,
            users: about.users_seen,
            first_seen: about.first_seen,
            last_seen: about.last_seen,
            assignee,
            act: None,
            url: app.config.site.url(&path),
        }
    }))
}

fn words(news: News) -> Words {
    match news {
        News::New => Words::New,
        News::Regressed => Words::Regressed,
        News::Unignored => Words::Unignored,
        News::Happened => Words::Happened,
        News::Resolved => Words::Resolved,
        News::Assigned => Words::Assigned,
        News::Commented => Words::Commented,
        News::Mentioned => Words::Mentioned,
    }
}

/// Remembers that a channel is to hear of the end of what it was told.
pub(super) async fn remember(app: &App, key: LaneKey, delivery: &Delivery) -> Result<()> {
    if delivery.news == News::Resolved {
        return Ok(());
    }
    let remembered = waiting::open_incident(&app.db, delivery, key.channel, app.now()).await;
    remembered.context("remembering what a channel was told")
}

/// Remembers the same of a digest, where it was about one issue.
pub(super) async fn remember_digest(app: &App, key: LaneKey, digest: Uuid) -> Result<()> {
    let remembered = waiting::open_incident_of_digest(&app.db, key.channel, digest, app.now()).await;
    remembered.context("remembering what a channel was told together")
}
