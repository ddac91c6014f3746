//! One event per change of phase, with the words of the `Ready` condition. An event that cannot be written is no reason to stop.

use kube::Resource;
use kube::runtime::events::{Event, EventType};

use crate::context::Context;
use crate::instance::{Phase, SentryInstance, SentryInstanceStatus};

/// What the API server takes as a note.
const LONGEST_NOTE: usize = 1000;

/// Tells that the phase changed, if it did.
pub async fn phase_change(ctx: &Context, instance: &SentryInstance, status: &SentryInstanceStatus) {
    let before = instance.status.as_ref().and_then(|before| before.phase);
    let Some(phase) = status.phase.filter(|phase| Some(*phase) != before) else { return };
    let ready = status.conditions.iter().find(|condition| condition.type_ == "Ready");
    let event = Event {
        type_: kind(phase),
        reason: format!("{phase:?}"),
        note: ready.map(|ready| ready.message.chars().take(LONGEST_NOTE).collect()),
        action: "Reconcile".to_owned(),
        secondary: None,
    };
    if let Err(error) = ctx.events.publish(&event, &instance.object_ref(&())).await {
        tracing::warn!(%error, "writing an event");
    }
}

fn kind(phase: Phase) -> EventType {
    match phase {
        Phase::PreflightFailed | Phase::MigrationFailed | Phase::Degraded | Phase::Stalled => EventType::Warning,
        Phase::Pending
        | Phase::WaitingForSecret
        | Phase::Preflight
        | Phase::Migrating
        | Phase::RollingOut
        | Phase::Running
        | Phase::AwaitingApproval
        | Phase::Suspended
        | Phase::Paused => EventType::Normal,
    }
}
