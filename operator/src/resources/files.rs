//! The volume that holds attachments and what waits while Redis is away: claimed for the instance, or somebody else's claim.

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeClaimVolumeSource, Volume as PodVolume,
    VolumeMount, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::ResourceExt;

use super::labels::{Role, metadata};
use crate::instance::{DeletionPolicy, SentryInstance, Volume};

/// Where the platform keeps files unless it is told otherwise.
const FOLDER: &str = "/var/lib/sentry/files";
/// The group that a volume is given to, since a fresh one belongs to root: the image's.
pub const GROUP: i64 = 65_532;
const NAME: &str = "files";

/// The claim `<instance>-files`, if a volume is asked for. It outlives the instance unless that is asked for.
pub fn claim(instance: &SentryInstance) -> Option<PersistentVolumeClaim> {
    let Volume { size, storage_class_name, access_mode } = instance.spec.files.as_ref()?.volume.as_ref()?;
    let mut metadata = metadata(instance, claim_name(instance), NAME);
    if instance.spec.deletion_policy == DeletionPolicy::Retain {
        metadata.owner_references = None;
    }
    let requests = [("storage".to_owned(), Quantity(size.clone()))].into();
    let spec = PersistentVolumeClaimSpec {
        access_modes: Some(vec![access_mode.as_str().to_owned()]),
        resources: Some(VolumeResourceRequirements { requests: Some(requests), limits: None }),
        storage_class_name: storage_class_name.clone(),
        ..PersistentVolumeClaimSpec::default()
    };
    Some(PersistentVolumeClaim { metadata, spec: Some(spec), status: None })
}

fn claim_name(instance: &SentryInstance) -> String {
    format!("{}-{NAME}", instance.name_any())
}

/// The volume of a component's pods. Jobs have none: a volume of one node would hold them up.
pub fn volume(instance: &SentryInstance, role: Role) -> Option<PodVolume> {
    let files = instance.spec.files.as_ref().filter(|_| matches!(role, Role::Web | Role::Worker | Role::Cron))?;
    let claimed = files.volume.as_ref().map(|_| claim_name(instance));
    let claim_name = files.existing_claim.clone().or(claimed)?;
    let source = PersistentVolumeClaimVolumeSource { claim_name, read_only: None };
    Some(PodVolume { name: NAME.to_owned(), persistent_volume_claim: Some(source), ..PodVolume::default() })
}

/// Where the container has it.
pub fn mount(instance: &SentryInstance, role: Role) -> Option<VolumeMount> {
    volume(instance, role)?;
    Some(VolumeMount { name: NAME.to_owned(), mount_path: FOLDER.to_owned(), ..VolumeMount::default() })
}
