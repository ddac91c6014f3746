//! Alerts: rules decide what people are told of an event, once.
//!
//! After a batch is saved, [`consider`] turns what its events did into jobs; a job tells each recipient. A row per rule, event
//! and recipient makes that once, whatever runs twice.

mod store;

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use bytes::Bytes;
use uuid::Uuid;

use crate::{
    app::App,
    auth::UserId,
    events::{Effect, Seen},
    issues::IssueId,
    job::{Job, Outcome},
    mail::{AboutIssue, Mail, News},
    projects::ProjectId,
    protocol::{EventId, Level},
    queue::Topic,
};

/// A rule's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct RuleId(pub i64);

/// What one rule has to say about one event.
#[derive(Clone, Copy, Debug)]
pub struct Notification {
    pub project: ProjectId,
    pub rule: RuleId,
    pub issue: IssueId,
    pub event: EventId,
}

impl Notification {
    /// From the numbers a job carries.
    pub fn new(project: i64, rule: i64, issue: i64, event: Uuid) -> Notification {
        Notification { project: ProjectId(project), rule: RuleId(rule), issue: IssueId(issue), event: EventId(event) }
    }
}

/// Queues a job for every rule that an event of the batch meets: one that made a new issue, or brought one back. May be told of
/// the same events again.
pub async fn consider(app: &App, seen: &[Seen]) -> Result<()> {
    let news: Vec<&Seen> = seen.iter().filter(|seen| seen.effect != Effect::Counted).collect();
    if news.is_empty() {
        return Ok(());
    }
    let projects: BTreeSet<ProjectId> = news.iter().map(|seen| seen.project).collect();
    let rules = store::rules(&app.db, &projects).await.context("reading alert rules")?;
    let jobs: Vec<Bytes> = news
        .iter()
        .flat_map(|seen| rules.iter().filter(|rule| rule.is_met_by(seen)).map(|rule| job(seen, rule.id)))
        .collect::<Result<_>>()?;
    app.queue.push(Topic::Jobs, jobs).await.context("queueing notifications")
}

fn job(seen: &Seen, rule: RuleId) -> Result<Bytes> {
    let job = Job::Notify { project: seen.project.0, rule: rule.0, issue: seen.issue.0, event: seen.event.0 };
    Ok(serde_json::to_vec(&job)?.into())
}

/// Whom to tell, and in what words to begin with.
pub(crate) struct Recipient {
    pub user: UserId,
    pub email: String,
}

/// What a mail says of an issue.
pub(crate) struct Subject {
    pub organization: String,
    pub project: String,
    pub project_name: String,
    pub short_id: i64,
    pub title: String,
    pub culprit: String,
    pub level: Level,
    /// What the event did to it; none where the event is gone.
    pub effect: Option<Effect>,
}

/// Tells everybody who has not been told yet. One refusal does not keep the others waiting.
pub async fn notify(app: &App, notification: Notification) -> Result<Outcome> {
    if !app.mailer.is_configured() {
        return Ok(Outcome::NothingToDo);
    }
    let Some(subject) = store::subject(&app.db, &notification).await? else {
        return Ok(Outcome::NothingToDo);
    };
    let recipients = store::recipients(&app.db, notification.project).await.context("reading who is to be told")?;
    store::plan(&app.db, &notification, &recipients, app.now()).await.context("noting who is to be told")?;
    let mut failure = None;
    for recipient in &recipients {
        if let Err(error) = tell(app, &notification, &subject, recipient).await {
            failure = Some(error);
        }
    }
    failure.map_or(Ok(Outcome::Done), Err)
}

/// Sends one mail while holding the row that says it is to be sent, so that two workers never send it both.
async fn tell(app: &App, notification: &Notification, subject: &Subject, recipient: &Recipient) -> Result<()> {
    let mut tx = app.db.begin().await.context("beginning to notify")?;
    if !store::claim(&mut *tx, notification, recipient.user).await? {
        return Ok(());
    }
    let mail = mail(app, notification, subject, recipient)?;
    app.mailer.send(&mail).await.with_context(|| format!("telling {} about an issue", recipient.email))?;
    store::sent(&mut *tx, notification, recipient.user, app.now()).await?;
    tx.commit().await.context("noting that a mail was sent")
}

fn mail(app: &App, notification: &Notification, subject: &Subject, recipient: &Recipient) -> Result<Mail> {
    let path = format!("/{}/{}/issues/{}/", subject.organization, subject.project, notification.issue.0);
    let news = match subject.effect {
        Some(Effect::Regressed) => News::Regressed,
        Some(Effect::Unignored) => News::Unignored,
        Some(Effect::CreatedIssue | Effect::Counted) | None => News::New,
    };
    let about = AboutIssue {
        news,
        project: &subject.project_name,
        short_id: format!("{}-{}", subject.project.to_uppercase(), subject.short_id),
        title: &subject.title,
        culprit: &subject.culprit,
        level: subject.level,
        url: app.config.site.url(&path),
    };
    about.mail(recipient.email.clone(), notification.issue)
}
