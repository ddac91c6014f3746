//! The CRD: it is what is committed, it is small, and each of its rules says no to what it is there for.

use std::{fs, path::Path};

use kube::CustomResourceExt;
use serde_json::{Value, json};

use super::SentryInstance;
use crate::testing::{instance, production};

/// The messages of the rules that an instance breaks.
fn complaints(change: impl FnOnce(&mut SentryInstance)) -> String {
    let mut instance = instance();
    change(&mut instance);
    instance.validate_cel().err().map_or_else(String::new, |errors| errors.to_string())
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).expect("the test's JSON fits")
}

/// Compares a committed file with what it is made from, or makes it, where that is asked for.
fn is_committed(path: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, made).expect("it can be written");
    }
    let same = fs::read_to_string(&path).expect("it is there") == made;
    assert!(same, "{} is not up to date: run UPDATE=1 cargo test -p picket-operator crd", path.display());
}

#[test]
fn the_committed_crd_is_what_the_types_say() {
    is_committed("crds/sentryinstance.yaml", &crate::crd_yaml().expect("the CRD can be rendered"));
}

#[test]
fn the_committed_page_of_reasons_is_what_the_table_says() {
    is_committed("crds/reasons.md", &crate::status::reasons::document());
}

#[test]
fn the_chart_carries_the_same_crd() {
    let crd = crate::crd_yaml().expect("the CRD can be rendered");
    let keep = "metadata:\n  annotations:\n    helm.sh/resource-policy: keep\n";
    let kept = crd.replacen("metadata:\n", keep, 1);
    is_committed(
        "charts/picket/templates/crd.yaml",
        &format!("{{{{- if .Values.crds.install }}}}\n{kept}{{{{- end }}}}\n"),
    );
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
    for name in ["SENTRY_REDIS_HOST", "SENTRY_URL_PREFIX", "SENTRY_LDAP_BIND_DN", "SENTRY_CHANNELS", "TZ"] {
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

/// The messages of the rules that a spec breaks whose `field` is written so.
fn complaints_about(field: &str, value: &Value) -> String {
    complaints(|it| {
        let mut spec = serde_json::to_value(&it.spec).expect("a spec is JSON");
        spec[field] = value.clone();
        it.spec = serde_json::from_value(spec).expect("it fits the types");
    })
}

/// Every field of the spec's schema, by its path.
fn fields() -> Vec<(String, Value)> {
    fn walk(path: &str, schema: &Value, found: &mut Vec<(String, Value)>) {
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            walk(&path, field, found);
            found.push((path, field.clone()));
        }
        for inner in [&schema["items"], &schema["additionalProperties"]] {
            if inner.is_object() {
                found.push((format!("{path}[]"), inner.clone()));
                walk(&format!("{path}[]"), inner, found);
            }
        }
    }
    let crd = serde_json::to_value(SentryInstance::crd()).expect("the CRD can be rendered");
    let spec = crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec").expect("it has a spec");
    let mut found = Vec::new();
    walk("spec", spec, &mut found);
    found
}

#[test]
fn no_field_can_hold_a_secret() {
    let sounds_secret = |path: &str| {
        let name = path.rsplit('.').next().unwrap_or_default().to_lowercase();
        ["password", "secret", "token", "credential", "routingkey"].iter().any(|word| name.contains(word))
    };
    // Names of keys within Secrets, and of Secrets.
    let names = ["passwordKey", "secretKeyKey", "tlsSecretName"];
    let written: Vec<String> = fields()
        .into_iter()
        .filter(|(path, field)| {
            sounds_secret(path) && field["type"] == "string" && !names.iter().any(|it| path.ends_with(it))
        })
        .map(|(path, _)| path)
        .collect();
    assert!(written.is_empty(), "these could hold a secret: {written:?}");
    assert!(fields().len() > 200, "the spec was not walked");
}

#[test]
fn every_list_says_how_it_is_merged_and_every_default_is_static() {
    for (path, field) in fields() {
        let is_list = field["type"] == "array";
        assert!(!is_list || field["x-kubernetes-list-type"].is_string(), "{path} has no x-kubernetes-list-type");
        assert!(!is_list || field["maxItems"].is_number(), "{path} is not bounded");
    }
}

#[test]
fn certificates_are_asked_for_only_where_they_are_looked_at() {
    let database = |tls: Value| json!({"host": "db", "name": "n", "credentialsSecretRef": {"name": "s"}, "tls": tls});
    let ca = json!({"name": "ca"});
    let told = complaints_about("database", &database(json!({"mode": "require", "caSecretRef": ca})));
    assert!(told.contains("verify-ca or verify-full"), "{told}");
    let verified = database(json!({"mode": "verify-full", "caSecretRef": ca, "clientCertSecretRef": ca}));
    assert_eq!(complaints_about("database", &verified), "");
    let disabled = database(json!({"mode": "disable", "clientCertSecretRef": ca}));
    assert!(complaints_about("database", &disabled).contains("shown over TLS"));
    let redis = json!({"host": "r", "tls": {"caSecretRef": ca}});
    assert!(complaints_about("redis", &redis).contains("set mode: verify-full"));
    let mail = json!({"host": "m", "port": 25, "from": "a@example.com", "encryption": "none", "caSecretRef": ca});
    assert!(complaints_about("mail", &mail).contains("encryption: tls or starttls"));
}

fn directory(changes: &Value) -> Value {
    let mut directory = json!({"name": "corp", "url": "ldap://ldap.example.com:3489",
        "users": {"search": {"base": "ou=people,dc=example,dc=com"}}});
    for (field, value) in changes.as_object().into_iter().flatten() {
        directory[field] = value.clone();
    }
    json!({ "directories": [directory] })
}

#[test]
fn a_directory_is_told_what_is_wrong_with_it() {
    let told = |changes: Value| complaints_about("ldap", &directory(&changes));
    assert_eq!(told(json!({})), "");
    assert!(told(json!({"url": "ldap.example.com"})).contains("ldap:// or ldaps://"));
    assert!(told(json!({"url": "ldaps://l:636", "tls": {"startTls": true}})).contains("encrypted from the first byte"));
    let both = json!({"users": {"dnTemplate": "uid=%(user)s", "search": {"base": "dc=x"}}});
    assert!(told(both).contains("exactly one of `search` and `dnTemplate`"));
    assert!(told(json!({"users": {"dnTemplate": "uid=ada"}})).contains("dnTemplate holds %(user)s"));
    let search = |filter: &str| json!({"users": {"search": {"base": "dc=x", "filter": filter}}});
    assert!(told(search("mail=%(user)s")).contains("in parentheses"));
    assert!(told(search("(mail=ada)")).contains("holds %(user)s"));
    assert!(told(json!({"organization": {"roleGroups": {"owner": ["admins"]}}})).contains("set groups"));
    let groups = json!({"groups": {"search": {"base": "dc=x"}}, "organization": {"roleGroups": {"king": ["admins"]}}});
    assert!(told(groups).contains("roles are member, admin, manager and owner"));
}

#[test]
fn a_channel_is_of_one_kind() {
    let token = json!({"name": "robot", "key": "token"});
    let robot = json!({"accessTokenSecretRef": token});
    let told = |channel: Value| complaints_about("channels", &json!([channel]));
    assert_eq!(told(json!({"name": "oncall", "dingtalk": robot})), "");
    assert!(told(json!({"name": "oncall"})).contains("exactly one kind"));
    let two = json!({"name": "oncall", "dingtalk": robot, "slack": {"urlSecretRef": token}});
    assert!(told(two).contains("exactly one kind"));
}

#[test]
fn budgets_volumes_and_approvals_do_not_contradict_themselves() {
    let web = |budget: Value| complaints_about("web", &json!({ "podDisruptionBudget": budget }));
    assert_eq!(web(json!({"maxUnavailable": "50%"})), "");
    assert_eq!(web(json!({"disabled": true})), "");
    assert!(web(json!({"minAvailable": 1, "maxUnavailable": 1})).contains("exactly one of `minAvailable`"));
    let files = json!({"volume": {"size": "20Gi"}, "existingClaim": "mine"});
    assert!(complaints_about("files", &files).contains("`existingClaim`"));
    assert!(complaints_about("files", &json!({"volume": {"size": "large"}})).contains("a number and a unit"));
    let approved = json!({"approvedImage": "picket:2"});
    assert!(complaints_about("migrations", &approved).contains("only with policy: Manual"));
}

#[test]
fn the_production_sample_breaks_no_rule_and_loses_no_field() {
    let text = include_str!("../../../config/samples/production.yaml");
    let written: Value = serde_saphyr::from_str(text).expect("the sample is YAML");
    let instance = production();
    assert_eq!(instance.validate_cel().err().map_or_else(String::new, |errors| errors.to_string()), "");
    let understood = serde_json::to_value(&instance).expect("an instance is JSON");
    assert_eq!(crate::resources::overrides::unknown(&written, &understood), None);
}
