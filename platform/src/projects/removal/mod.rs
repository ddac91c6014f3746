//! Deleting a project. It is gone at once for everybody: no page, no list and no key of it is left. What it has may be millions
//! of rows, so nobody waits for those: a job deletes them bit by bit, and cron goes on where no job did.

pub(super) mod pages;
mod store;

use anyhow::{Context, Result};
use serde_json::json;

use crate::{
    app::App,
    audit::{self, Actor, Entry},
    job::{Job, Outcome},
    queue::Topic,
};

use super::Project;

/// Rows of one table deleted in one transaction.
const AT_ONCE: i64 = 5_000;

/// Deletes a project.
pub async fn delete(app: &App, actor: &Actor, project: &Project) -> Result<()> {
    let mut tx = app.db.begin().await.context("beginning to delete a project")?;
    store::mark(&mut tx, project.id, app.now()).await.context("deleting a project")?;
    let (organization, data) = (Some(project.organization_id), json!({"name": project.name}));
    let entry = Entry { organization, event: "project.remove", target: &project.slug, data };
    audit::record(&mut *tx, actor, entry).await?;
    tx.commit().await.context("deleting a project")?;
    let push = async {
        let job = serde_json::to_vec(&Job::DeleteProject { project: project.id.0 })?;
        app.queue.push(Topic::Jobs, vec![job.into()]).await.context("queueing a job")
    };
    if let Err(error) = push.await {
        tracing::warn!("what the project has is deleted when cron sees to it: {error:#}");
    }
    Ok(())
}

/// Deletes what a deleted project has, and then the project.
pub async fn finish(app: &App, project: i64) -> Result<Outcome> {
    if !store::is_deleted(&app.db, project).await.context("looking for a deleted project")? {
        return Ok(Outcome::NothingToDo);
    }
    for table in store::tables(&app.db).await.context("listing tables")? {
        while store::delete_some(&app.db, &table, project, AT_ONCE).await.with_context(|| table.clone())? > 0 {}
    }
    store::forget(&app.db, project).await.context("forgetting a deleted project")?;
    Ok(Outcome::Done)
}

/// The same for every deleted project: what cron looks for, in case that a job was lost.
pub async fn finish_all(app: &App) -> Result<()> {
    for project in store::deleted(&app.db).await.context("looking for deleted projects")? {
        finish(app, project).await?;
    }
    Ok(())
}
