//! What the unit tests start from: the sample instance, the Secrets it names, Jobs that went well or not.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

use crate::advance::{Known, Progress, advance};
use crate::drift;
use crate::instance::{Concern, JobPhase, SentryInstance, SentryInstanceStatus};
use crate::observe::{JobOutcome, JobSeen};
use crate::resources::{Desired, GatewayApi, desired};
use crate::secrets::Secrets;
use crate::status::{Live, Told, status};
use crate::validate::{SecretKeyFound, Validated, validate};

/// What a preflight says when PostgreSQL refuses the password.
pub const BAD_PASSWORD: &str = r#"starting
{"checks":[{"name":"postgresql","status":"failed","reason":"AuthenticationFailed","message":"fix the password"},{"name":"redis","status":"ok"},{"name":"mail","status":"ok"}]}"#;
/// What a preflight says when the SMTP server refuses the login.
pub const BAD_MAIL: &str = r#"{"checks":[{"name":"postgresql","status":"ok"},{"name":"redis","status":"ok"},{"name":"mail","status":"failed","reason":"AuthRejected","message":"fix the login"}]}"#;

/// `config/samples/sentryinstance.yaml`, as the API server would hand it out.
pub fn instance() -> SentryInstance {
    let text = include_str!("../../config/samples/sentryinstance.yaml");
    let mut instance: SentryInstance = serde_saphyr::from_str(text).expect("the sample is an instance");
    instance.metadata.uid = Some("5f0c8a52-0000-4000-8000-000000000001".to_owned());
    instance.metadata.generation = Some(1);
    instance
}

/// `config/samples/production.yaml`, as the API server would hand it out.
pub fn production() -> SentryInstance {
    let text = include_str!("../../config/samples/production.yaml");
    let mut instance: SentryInstance = serde_saphyr::from_str(text).expect("the sample is an instance");
    instance.metadata.uid = Some("5f0c8a52-0000-4000-8000-000000000002".to_owned());
    instance.metadata.generation = Some(1);
    instance
}

/// The Secrets that it names.
pub fn production_secrets() -> Secrets {
    let secret = |name: &str, pairs: &[(&str, &str)]| {
        let data = pairs.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()));
        (name.to_owned(), data.collect())
    };
    Secrets::from([
        secret("sentry-postgresql", &[("username", "sentry"), ("password", "of postgresql")]),
        secret("sentry-redis", &[("password", "of redis")]),
        secret("sentry-admin", &[("password", "of the admin")]),
        secret("sentry-smtp", &[("username", "sentry@example.com"), ("password", "of smtp")]),
        secret("sentry-dingtalk", &[("access-token", "0123abcd"), ("secret", "SECof dingtalk")]),
        secret("sentry-ldap", &[("password", "of ldap")]),
    ])
}

/// The Secrets that the sample names.
pub fn secrets() -> Secrets {
    let secret = |name: &str, pairs: &[(&str, &str)]| {
        let data = pairs.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()));
        (name.to_owned(), data.collect())
    };
    Secrets::from([
        secret("shop-postgresql", &[("username", "picket"), ("password", "first")]),
        secret("shop-redis", &[("password", "redis")]),
        secret("shop-admin", &[("password", "admin")]),
    ])
}

/// The time of a test, `seconds` after it began.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).expect("a time of our century")
}

/// A Job that succeeded.
pub fn succeeded(name: &str) -> JobSeen {
    JobSeen { name: name.to_owned(), outcome: JobOutcome::Succeeded { at: Some(Time(at(0))) } }
}

/// A Job that failed at the beginning of the test, with these last words.
pub fn failed(name: &str, output: &str) -> JobSeen {
    JobSeen { name: name.to_owned(), outcome: JobOutcome::Failed { at: Some(Time(at(0))), output: output.to_owned() } }
}

/// The sample instance, its Secrets, its cluster, and the operator's memory between steps.
pub struct Shop {
    pub instance: SentryInstance,
    pub secrets: Secrets,
    pub secret_key: SecretKeyFound,
    pub jobs: Vec<JobSeen>,
    pub snapshots: BTreeSet<String>,
    pub gateway: GatewayApi,
    pub now: Timestamp,
    pub last: Progress,
    pub desired: Desired,
    live: Vec<Deployment>,
}

impl Shop {
    /// One that was never seen before.
    pub fn new() -> Self {
        Self {
            instance: instance(),
            secrets: secrets(),
            secret_key: SecretKeyFound::Known("key".to_owned()),
            jobs: Vec::new(),
            snapshots: BTreeSet::new(),
            gateway: GatewayApi::Missing,
            now: at(0),
            last: Progress::default(),
            desired: Desired::default(),
            live: Vec::new(),
        }
    }

    /// One that runs.
    pub fn running() -> Self {
        Self::new().started()
    }

    /// The whole installation of the production sample, never seen before.
    pub fn new_production() -> Self {
        Self { instance: production(), secrets: production_secrets(), ..Self::new() }
    }

    /// The same, running.
    pub fn production() -> Self {
        Self::new_production().started()
    }

    fn started(self) -> Self {
        let mut shop = self;
        shop.step();
        shop.preflight_succeeds();
        shop.migration_succeeds();
        shop.pods_become_ready();
        shop
    }

    /// One reconcile.
    pub fn step(&mut self) -> &Progress {
        let valid = self.valid();
        let before = self.instance.status.clone().unwrap_or_default();
        self.last = advance(&Known {
            instance: &self.instance,
            valid: &valid,
            before: &before,
            jobs: &self.jobs,
            snapshots: &self.snapshots,
            now: self.now,
        });
        self.desired = desired(&self.instance, &valid, &self.last, &before, self.gateway);
        self.snapshots.retain(|name| self.desired.keep.snapshots.contains(name));
        self.snapshots.extend(self.desired.snapshots.iter().filter_map(|secret| secret.metadata.name.clone()));
        self.apply();
        let live = Live { deployments: self.live.clone(), routes: Vec::new(), gateway: self.gateway };
        let told = Told {
            instance: &self.instance,
            valid: &valid,
            progress: &self.last,
            desired: &self.desired,
            live: &live,
            now: self.now,
        };
        self.instance.status = Some(status(&told));
        &self.last
    }

    fn valid(&self) -> Validated {
        validate(&self.instance, &self.secrets, &self.secret_key, "picket")
    }

    fn apply(&mut self) {
        for mut wanted in self.desired.deployments.clone() {
            drift::stamp(&mut wanted).expect("a Deployment can be rendered");
            let same = self.live.iter().any(|live| drift::settled(&wanted, live));
            if !same {
                wanted.metadata.generation = Some(2);
                self.live.retain(|live| live.metadata.name != wanted.metadata.name);
                self.live.push(wanted);
            }
        }
    }

    /// Every Deployment gets the pods it asks for.
    pub fn pods_become_ready(&mut self) {
        for live in &mut self.live {
            let replicas = live.spec.replicas;
            live.status = Some(DeploymentStatus {
                observed_generation: live.metadata.generation,
                replicas,
                updated_replicas: replicas,
                ready_replicas: replicas,
                available_replicas: replicas,
                ..DeploymentStatus::default()
            });
        }
        self.step();
    }

    pub fn preflight_succeeds(&mut self) -> &Progress {
        let name = self.last.preflight.as_ref().expect("there is a preflight").job_name.clone();
        self.jobs.push(succeeded(&name));
        self.step()
    }

    pub fn preflight_fails(&mut self, output: &str) -> &Progress {
        let name = self.last.preflight.as_ref().expect("there is a preflight").job_name.clone();
        self.jobs.push(failed(&name, output));
        self.step()
    }

    pub fn migration_succeeds(&mut self) -> &Progress {
        let name = self.last.migration.as_ref().expect("there is a migration").job_name.clone();
        self.jobs.push(succeeded(&name));
        self.step()
    }

    pub fn migration_fails(&mut self, output: &str) -> &Progress {
        let name = self.last.migration.as_ref().expect("there is a migration").job_name.clone();
        self.jobs.push(failed(&name, output));
        self.step()
    }

    pub fn tag(&mut self, tag: &str) {
        self.instance.spec.image.as_mut().expect("the sample names an image").tag = Some(tag.to_owned());
    }

    pub fn password(&mut self, password: &str) {
        let secret = self.secrets.get_mut("shop-postgresql").expect("the Secret is there");
        secret.insert("password".to_owned(), password.as_bytes().to_vec());
    }

    /// The snapshot of a concern that pods are told to take.
    pub fn snapshot(&self, concern: Concern) -> String {
        let rolled_out = self.last.rolled_out.as_ref().expect("something runs");
        rolled_out.snapshots.get(concern).expect("it has settings of that concern").to_owned()
    }

    /// Changes the spec by what a person would write, as JSON.
    pub fn write(&mut self, field: &str, value: &serde_json::Value) {
        let mut spec = serde_json::to_value(&self.instance.spec).expect("a spec is JSON");
        spec[field] = value.clone();
        self.instance.spec = serde_json::from_value(spec).expect("the test writes what fits");
    }

    /// Puts a Secret into the namespace.
    pub fn secret(&mut self, name: &str, pairs: &[(&str, &str)]) {
        let data = pairs.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()));
        self.secrets.insert(name.to_owned(), data.collect());
    }

    pub fn migration(&self) -> JobPhase {
        self.last.migration.as_ref().expect("there is a migration").phase
    }

    pub fn running_image(&self) -> &str {
        &self.last.rolled_out.as_ref().expect("something runs").image
    }

    pub fn status(&self) -> &SentryInstanceStatus {
        self.instance.status.as_ref().expect("a step writes the status")
    }

    /// A condition as `Status Reason`.
    pub fn condition(&self, kind: &str) -> String {
        let condition = self.find(kind).expect("the condition is there");
        format!("{} {}", condition.status, condition.reason)
    }

    pub fn find(&self, kind: &str) -> Option<&Condition> {
        self.status().conditions.iter().find(|condition| condition.type_ == kind)
    }
}
