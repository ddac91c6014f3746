//! The CRD: it is what is committed, it is small, and each of its rules says no to what it is there for.

use kube::CustomResourceExt;

use super::SentryInstance;
use crate::testing::instance;

/// The messages of the rules that an instance breaks.
fn complaints(change: impl FnOnce(&mut SentryInstance)) -> String {
    let mut instance = instance();
    change(&mut instance);
    instance.validate_cel().err().map_or_else(String::new, |errors| errors.to_string())
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).expect("the test's JSON fits")
}

#[test]
fn the_committed_crd_is_what_the_types_say() {
    let committed = include_str!("../../../crds/sentryinstance.yaml");
    let same = committed == crate::crd_yaml().expect("the CRD can be rendered");
    assert!(same, "run: cargo run -p picket-operator -- crd > crds/sentryinstance.yaml");
}

#[test]
fn the_chart_carries_the_same_crd() {
    let chart = include_str!("../../../charts/picket/templates/crd.yaml");
    let crd = include_str!("../../../crds/sentryinstance.yaml");
    let keep = "metadata:\n  annotations:\n    helm.sh/resource-policy: keep\n";
    let kept = crd.replacen("metadata:\n", keep, 1);
    let same = chart == format!("{{{{- if .Values.crds.install }}}}\n{kept}{{{{- end }}}}\n");
    assert!(same, "copy crds/sentryinstance.yaml between the first and the last line of the chart's crd.yaml");
}

#[test]
fn trap_14_the_crd_fits_into_an_annotation_and_has_no_unsigned_numbers() {
    let text = crate::crd_yaml().expect("the CRD can be rendered");
    assert!(text.len() < 100_000, "{} bytes", text.len());
    assert!(!text.contains("uint"));
}

#[test]
fn trap_8_a_scale_without_replicas_finds_a_default() {
    let crd = serde_json::to_value(SentryInstance::crd()).expect("the CRD can be rendered");
    let worker = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/worker";
    assert_eq!(crd.pointer(&format!("{worker}/default/replicas")), Some(&1.into()));
    assert_eq!(crd.pointer(&format!("{worker}/properties/replicas/default")), Some(&1.into()));
}

#[test]
fn the_sample_breaks_no_rule() {
    assert_eq!(complaints(|_| ()), "");
}

#[test]
fn either_version_or_image() {
    assert!(complaints(|it| it.spec.version = Some("26.9.0".into())).contains("exactly one of `version`"));
    assert!(complaints(|it| it.spec.image = None).contains("exactly one of `version`"));
}

#[test]
fn either_tag_or_digest() {
    let image = r#"{"tag": "a", "digest": "sha256:00"}"#;
    assert!(complaints(|it| it.spec.image = json(image)).contains("exactly one of `tag`"));
    assert!(complaints(|it| it.spec.image = json(r#"{"digest": "00"}"#)).contains("starts with sha256:"));
}

#[test]
fn a_public_url_is_scheme_and_host() {
    for url in ["sentry.example.com", "ftp://sentry.example.com", "https://example.com/sentry"] {
        assert!(complaints(|it| it.spec.public_url = url.into()).contains("without a path"), "{url}");
    }
    assert_eq!(complaints(|it| it.spec.public_url = "https://sentry.example.com:8443".into()), "");
}

#[test]
fn a_name_fits_into_a_services_name() {
    for name in ["my.shop", "7shop", &"s".repeat(41)] {
        assert!(complaints(|it| it.metadata.name = Some(name.to_owned())).contains("at most 40"), "{name}");
    }
}

#[test]
fn either_gateway_or_ingress() {
    let both = r#"{"gateway": {"parentRefs": [{"name": "public"}]}, "ingress": {}}"#;
    assert!(complaints(|it| it.spec.routing = json(both)).contains("exactly one of `gateway`"));
    assert!(complaints(|it| it.spec.routing = json("{}")).contains("exactly one of `gateway`"));
}

#[test]
fn no_secret_is_written_into_an_instance() {
    let env = r#"[{"name": "SLACK_TOKEN", "value": "xoxb"}]"#;
    assert!(complaints(|it| it.spec.worker.env = json(env)).contains("secretKeyRef"));
    let reference = r#"[{"name": "SLACK_TOKEN", "secretKeyRef": {"name": "slack", "key": "token"}}]"#;
    assert_eq!(complaints(|it| it.spec.worker.env = json(reference)), "");
    let neither = r#"[{"name": "A"}]"#;
    assert!(complaints(|it| it.spec.web.env = json(neither)).contains("exactly one of `value`"));
}

#[test]
fn settings_with_a_field_of_their_own_are_not_overridden() {
    for name in ["SENTRY_REDIS_HOST", "SENTRY_URL_PREFIX", "TZ"] {
        let env = format!(r#"[{{"name": "{name}", "value": "x"}}]"#);
        assert!(complaints(|it| it.spec.web.env = json(&env)).contains("change it there"), "{name}");
    }
}

#[test]
fn mail_is_an_address_and_port_465_speaks_tls() {
    let change = |it: &mut SentryInstance| it.spec.mail.as_mut().expect("the sample has mail").port = 465;
    assert!(complaints(change).contains("port 465"));
    let change = |it: &mut SentryInstance| it.spec.mail.as_mut().expect("the sample has mail").from = "picket".into();
    assert!(complaints(change).contains("sender's address"));
    assert!(complaints(|it| it.spec.bootstrap_admin.email = "admin".into()).contains("email is an address"));
}
