//! What the unit tests start from: the sample instance, the Secrets it names, Jobs that went well or not.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

use crate::instance::SentryInstance;
use crate::observe::{JobOutcome, JobSeen};
use crate::validate::Secrets;

/// `config/samples/sentryinstance.yaml`, as the API server would hand it out.
pub fn instance() -> SentryInstance {
    let text = include_str!("../../config/samples/sentryinstance.yaml");
    let mut instance: SentryInstance = serde_saphyr::from_str(text).expect("the sample is an instance");
    instance.metadata.uid = Some("5f0c8a52-0000-4000-8000-000000000001".to_owned());
    instance.metadata.generation = Some(1);
    instance
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
