//! fetch → validate → advance → desired → apply → status: an instance's life, one call per line.
//!
//! Deletion needs nothing of us: children have the instance as their owner, and the servers outside are never touched.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use k8s_openapi::jiff::{Timestamp, Unit};
use kube::ResourceExt;
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::runtime::controller::Action;
use serde_json::json;
use tokio::time::timeout;

use crate::advance::{Known, advance};
use crate::apply::{apply, untouched};
use crate::context::{Context, as_apply, status_params};
use crate::events;
use crate::fetch;
use crate::instance::{JobPhase, SentryInstance, SentryInstanceStatus};
use crate::resources::{GatewayApi, desired};
use crate::secret_key;
use crate::status::{Told, first_sight, rejected, status};
use crate::validate::validate;

/// Without any news, everything is looked at again after this long.
const RESYNC: Duration = Duration::from_mins(5);
/// The Gateway API may be installed at any time, and nothing tells.
const GATEWAY_RESYNC: Duration = Duration::from_secs(15);

/// What went wrong while reconciling; it is tried again.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
pub struct Error(#[from] anyhow::Error);

/// Brings one instance a step further.
pub async fn reconcile(guard: Arc<DeserializeGuard<SentryInstance>>, ctx: Arc<Context>) -> Result<Action, Error> {
    let (namespace, name) = (guard.namespace().unwrap_or_default(), guard.name_any());
    let timer = ctx.metrics.start_reconcile();
    let outcome = timeout(ctx.patience, Box::pin(once(&ctx, &namespace, &name))).await;
    let outcome = outcome.unwrap_or_else(|_| Err(anyhow!("the API server did not answer within {:?}", ctx.patience)));
    timer.finish(&outcome);
    let action = outcome?;
    ctx.worked(&format!("{namespace}/{name}"));
    Ok(action)
}

/// What to do when a reconcile failed: wait, longer each time, without holding up any other instance.
#[expect(clippy::needless_pass_by_value, reason = "the controller calls it with what it holds")]
pub fn retry(guard: Arc<DeserializeGuard<SentryInstance>>, error: &Error, ctx: Arc<Context>) -> Action {
    let (namespace, name) = (guard.namespace().unwrap_or_default(), guard.name_any());
    let pause = ctx.backoff(format!("{namespace}/{name}"));
    tracing::warn!(%namespace, instance = %name, %error, ?pause, "reconcile failed");
    Action::requeue(pause)
}

async fn once(ctx: &Context, namespace: &str, name: &str) -> Result<Action> {
    let api: Api<SentryInstance> = ctx.api(namespace);
    let Some(mut instance) = api.get_opt(name).await.context("reading the instance")? else {
        return Ok(Action::await_change());
    };
    if instance.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    if instance.status.is_none() {
        let first = first_sight(&instance, now());
        write_status(ctx, &api, &instance, &first).await?;
        instance.status = Some(first);
    }
    match Box::pin(step(ctx, &api, &instance, namespace)).await {
        Err(error) => match refusal(&error) {
            Some(message) => {
                let told = rejected(&instance, &message, now());
                write_status(ctx, &api, &instance, &told).await?;
                Err(error)
            }
            None => Err(error),
        },
        done => done,
    }
}

async fn step(ctx: &Context, api: &Api<SentryInstance>, instance: &SentryInstance, namespace: &str) -> Result<Action> {
    let before = instance.status.clone().unwrap_or_default();
    let secrets = fetch::secrets(ctx, instance, namespace).await?;
    let secret_key = secret_key::find(ctx, instance, namespace, &secrets).await?;
    let children = Box::pin(fetch::children(ctx, instance, namespace)).await?;
    secret_key::own(ctx, instance, namespace, children.secret_key.as_ref()).await?;
    let valid = validate(instance, &secrets, &secret_key, &ctx.default_image);
    let snapshots = children.snapshot_names();
    let progress = advance(&Known {
        instance,
        valid: &valid,
        before: &before,
        jobs: &children.jobs_seen,
        snapshots: &snapshots,
        now: now(),
    });
    let mut desired = desired(instance, &valid, &progress, &before, children.gateway);
    desired.keep.jobs.retain(|job| !(children.lingering.contains(job) && is_remembered(&before, job)));
    let live = if instance.spec.paused {
        untouched(children)
    } else {
        apply(ctx, namespace, desired.clone(), children).await?
    };
    let told = Told { instance, valid: &valid, progress: &progress, desired: &desired, live: &live, now: now() };
    write_status(ctx, api, instance, &status(&told)).await?;
    let waits_for_gateway = live.gateway == GatewayApi::Missing
        && instance.spec.routing.as_ref().is_some_and(|routing| routing.gateway.is_some());
    let pause = if waits_for_gateway { GATEWAY_RESYNC } else { RESYNC };
    Ok(Action::requeue(progress.look_again.map_or(pause, |soon| soon.min(pause))))
}

/// Whether the status knows how a Job ended: then, and only then, it may go.
fn is_remembered(before: &SentryInstanceStatus, job: &str) -> bool {
    let ended = |phase: JobPhase| matches!(phase, JobPhase::Succeeded | JobPhase::Failed);
    let preflight = before.preflight.as_ref().is_some_and(|it| it.job_name == job && ended(it.phase));
    preflight || before.migration.as_ref().is_some_and(|it| it.job_name == job && ended(it.phase))
}

/// Seconds are all that a status stores, so seconds are all that is decided with.
fn now() -> Timestamp {
    let now = Timestamp::now();
    now.round(Unit::Second).unwrap_or(now)
}

/// The API server's words, when it refused an object for good.
fn refusal(error: &anyhow::Error) -> Option<String> {
    match error.downcast_ref::<kube::Error>() {
        Some(kube::Error::Api(status)) if status.code == 422 || status.code == 400 => {
            Some(format!("{error}: {}", status.message))
        }
        _ => None,
    }
}

/// Writes a status that differs from the one there is, and tells about a change of phase.
async fn write_status(
    ctx: &Context,
    api: &Api<SentryInstance>,
    instance: &SentryInstance,
    status: &SentryInstanceStatus,
) -> Result<()> {
    if instance.status.as_ref() == Some(status) {
        return Ok(());
    }
    let name = instance.name_any();
    let patch = json!({
        "apiVersion": "picket.dev/v1alpha1",
        "kind": "SentryInstance",
        "metadata": { "name": name, "uid": instance.uid() },
        "status": status,
    });
    api.patch_status(&name, &status_params(), &as_apply(patch)).await.context("writing the status")?;
    ctx.metrics.wrote("sentryinstances/status");
    events::phase_change(ctx, instance, status).await;
    Ok(())
}
