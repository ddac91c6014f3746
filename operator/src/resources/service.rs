//! The Service in front of the web pods.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::labels::{Role, child_name, metadata, selector};
use crate::instance::SentryInstance;

/// The name of the port that pages and events come in on.
pub const HTTP: &str = "http";
/// The Service's port.
pub const PORT: i32 = 80;

/// The Service `<instance>-web`.
pub fn service(instance: &SentryInstance) -> Service {
    Service {
        metadata: metadata(instance, child_name(instance, Role::Web), Role::Web.as_str()),
        spec: Some(ServiceSpec {
            ports: Some(vec![ServicePort {
                name: Some(HTTP.to_owned()),
                port: PORT,
                protocol: Some("TCP".to_owned()),
                target_port: Some(IntOrString::String(HTTP.to_owned())),
                ..ServicePort::default()
            }]),
            selector: selector(instance, Role::Web).match_labels,
            type_: Some("ClusterIP".to_owned()),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}
