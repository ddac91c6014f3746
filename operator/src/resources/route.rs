//! The way from the public URL to the Service: an `HTTPRoute` of the Gateway API or an `Ingress`.
//!
//! The Gateway API is no part of Kubernetes and may be installed later, so its route is a dynamic object.

use std::net::IpAddr;

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend, IngressSpec,
    IngressTLS, ServiceBackendPort,
};
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, TypeMeta};
use serde_json::json;

use super::labels::{Role, child_name, metadata};
use super::service::{HTTP, PORT};
use crate::instance::{GatewayRouting, IngressRouting, SentryInstance};

/// `HTTPRoute` as the API server knows it once the Gateway API is installed.
pub fn http_route_resource() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", "HTTPRoute"))
}

/// The `HTTPRoute` that an instance asks for.
pub fn http_route(instance: &SentryInstance) -> Option<DynamicObject> {
    let GatewayRouting { parent_refs, annotations } = instance.spec.routing.as_ref()?.gateway.as_ref()?;
    let resource = http_route_resource();
    let spec = json!({
        "parentRefs": parent_refs,
        "hostnames": host(&instance.spec.public_url).into_iter().collect::<Vec<_>>(),
        "rules": [{
            "backendRefs": [{ "name": child_name(instance, Role::Web), "port": PORT }],
        }],
    });
    let mut metadata = metadata(instance, child_name(instance, Role::Web), Role::Web.as_str());
    metadata.annotations = (!annotations.is_empty()).then(|| annotations.clone());
    Some(DynamicObject {
        types: Some(TypeMeta { api_version: resource.api_version, kind: resource.kind }),
        metadata,
        data: json!({ "spec": spec }),
    })
}

/// The `Ingress` that an instance asks for.
pub fn ingress(instance: &SentryInstance) -> Option<Ingress> {
    let IngressRouting { class_name, tls_secret_name, annotations } =
        instance.spec.routing.as_ref()?.ingress.as_ref()?;
    let host = host(&instance.spec.public_url);
    let mut metadata = metadata(instance, child_name(instance, Role::Web), Role::Web.as_str());
    metadata.annotations = (!annotations.is_empty()).then(|| annotations.clone());
    let tls = tls_secret_name.as_ref().map(|secret| {
        vec![IngressTLS { hosts: host.map(|host| vec![host.to_owned()]), secret_name: Some(secret.clone()) }]
    });
    let spec = IngressSpec {
        ingress_class_name: class_name.clone(),
        rules: Some(vec![IngressRule {
            host: host.map(str::to_owned),
            http: Some(HTTPIngressRuleValue { paths: vec![everything(instance)] }),
        }]),
        tls,
        ..IngressSpec::default()
    };
    Some(Ingress { metadata, spec: Some(spec), status: None })
}

fn everything(instance: &SentryInstance) -> HTTPIngressPath {
    HTTPIngressPath {
        path: Some("/".to_owned()),
        path_type: "Prefix".to_owned(),
        backend: IngressBackend {
            service: Some(IngressServiceBackend {
                name: child_name(instance, Role::Web),
                port: Some(ServiceBackendPort { name: Some(HTTP.to_owned()), number: None }),
            }),
            resource: None,
        },
    }
}

/// The host of a public URL, which the CRD's rules keep to scheme, host and port. None when it is an address: routes
/// know names only, so such an instance is given every name.
fn host(public_url: &str) -> Option<&str> {
    let authority = public_url.split_once("://").map_or(public_url, |(_, rest)| rest);
    let host = authority.split_once(':').map_or(authority, |(host, _)| host);
    host.parse::<IpAddr>().is_err().then_some(host)
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn a_name_is_routed_and_an_address_is_not_a_name() {
        assert_eq!(host("https://sentry.example.com:8443"), Some("sentry.example.com"));
        assert_eq!(host("http://127.0.0.1:9000"), None);
    }
}
