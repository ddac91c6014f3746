//! The production sample: every setting of it reaches the platform, each component is replaced by what it uses alone, and
//! each thing that can be wrong is named by its own condition.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::instance::{Concern, Phase};
use crate::resources::GatewayApi;
use crate::resources::labels::Role;
use crate::resources::{concern, env};
use crate::testing::{Shop, at, production, production_secrets};
use crate::validate::{SecretKeyFound, validate};

const ROLES: [&str; 3] = ["web", "worker", "cron"];

/// What the platform is told, by concern.
fn told() -> BTreeMap<String, Value> {
    let instance = production();
    let key = SecretKeyFound::Known("the secret key".to_owned());
    let candidates = validate(&instance, &production_secrets(), &key, "picket").candidates.expect("there is a key");
    let snapshots = candidates.snapshots().chain(candidates.admin.as_ref().ok());
    let mut told: BTreeMap<String, Value> =
        snapshots.map(|snapshot| (concern::word(snapshot.concern).to_owned(), json!(snapshot.env()))).collect();
    for role in [Role::Web, Role::Worker, Role::Cron, Role::Preflight, Role::Migrate] {
        told.insert(format!("plain of {}", role.as_str()), json!(env::plain(&instance.spec, role)));
    }
    told
}

#[test]
fn every_setting_reaches_the_platform() {
    insta::assert_snapshot!("production_env", serde_saphyr::to_string(&told()).expect("YAML"));
}

#[test]
fn the_whole_installation_is_what_it_is() {
    let mut shop = Shop::production();
    shop.step();
    assert_eq!(shop.condition("Ready"), "True Running");
    let deployments = serde_saphyr::to_string(&shop.desired.deployments).expect("YAML");
    insta::assert_snapshot!("production_deployments", deployments);
    for secret in ["of postgresql", "of redis", "of smtp", "of dingtalk", "of ldap", "0123abcd"] {
        assert!(!deployments.contains(secret), "{secret} stands in a Deployment");
    }
}

/// The components whose pods are replaced by a change that is tried and works.
fn replaced(shop: &mut Shop, change: impl FnOnce(&mut Shop)) -> Vec<&'static str> {
    let templates =
        |shop: &Shop| shop.desired.deployments.iter().map(|it| it.spec.template.clone()).collect::<Vec<_>>();
    shop.step();
    let before = templates(shop);
    change(shop);
    shop.step();
    if shop.last.preflight.as_ref().is_some_and(|it| it.phase == crate::instance::JobPhase::Running) {
        shop.preflight_succeeds();
    }
    let after = templates(shop);
    let order = ["worker", "cron", "web"];
    let changed = order.into_iter().zip(before.iter().zip(&after)).filter(|(_, (before, after))| before != after);
    let changed: Vec<&str> = changed.map(|(role, _)| role).collect();
    shop.pods_become_ready();
    ROLES.into_iter().filter(|role| changed.contains(role)).collect()
}

#[test]
fn each_component_is_replaced_by_what_it_uses_alone() {
    let mut shop = Shop::production();
    let mut change = |change: &dyn Fn(&mut Shop)| {
        let replaced = replaced(&mut shop, |shop| change(shop));
        (replaced, shop.last.rollout.as_ref().expect("pods were replaced").cause.clone())
    };
    let of = |components: &[&'static str], cause: &str| (components.to_vec(), cause.to_owned());
    let smtp = |shop: &mut Shop| shop.secret("sentry-smtp", &[("username", "sentry@example.com"), ("password", "new")]);
    assert_eq!(change(&smtp), of(&["web", "worker"], "mail settings"));
    let robot = |shop: &mut Shop| shop.secret("sentry-dingtalk", &[("access-token", "0123abcd"), ("secret", "SECnew")]);
    assert_eq!(change(&robot), of(&["cron"], "named channels"));
    let directory = |shop: &mut Shop| shop.secret("sentry-ldap", &[("password", "new")]);
    assert_eq!(change(&directory), of(&["web", "cron"], "LDAP settings"));
    let password = |shop: &mut Shop| shop.secret("sentry-redis", &[("password", "new")]);
    assert_eq!(change(&password), of(&ROLES, "redis settings"));
    let worker = |shop: &mut Shop| shop.write("worker", &json!({"resources": {"limits": {"memory": "1Gi"}}}));
    assert_eq!(change(&worker), of(&["worker"], "pod settings of worker"));
    let batch = |shop: &mut Shop| shop.write("ingest", &json!({"workerBatch": 100, "queueBytes": 8_388_608}));
    assert_eq!(change(&batch), of(&["web", "worker"], "pod settings of web, pod settings of worker"));
    let scaled = |shop: &mut Shop| shop.instance.spec.web.replicas = 5;
    assert_eq!(change(&scaled), of(&[], "pod settings of web, pod settings of worker"));
}

#[test]
fn a_directory_that_is_not_followed_is_no_business_of_cron() {
    let mut shop = Shop::production();
    let directories = &mut shop.instance.spec.ldap.as_mut().expect("it has LDAP").directories;
    directories[0].sync = crate::instance::DirectorySync::Login;
    shop.step();
    shop.preflight_succeeds();
    let with_ldap = |role: Role| concern::is_used_by(Concern::Ldap, role, &shop.instance.spec);
    assert_eq!([Role::Web, Role::Worker, Role::Cron].map(with_ldap), [true, false, false]);
}

/// The report of a preflight in which one check failed.
fn report(failed: &str, reason: &str) -> String {
    let names = ["postgresql", "redis", "mail", "ldap", "channels", "dingtalk"];
    let check = |name: &&str| {
        if *name == failed {
            return json!({"name": name, "status": "failed", "reason": reason, "message": "what to do"});
        }
        json!({"name": name, "status": "ok", "reason": "Connected", "message": "well"})
    };
    json!({ "checks": names.iter().map(check).collect::<Vec<_>>() }).to_string()
}

#[test]
fn each_thing_that_is_wrong_is_named_by_its_condition() {
    let table = [
        ("postgresql", "AuthenticationFailed", "DatabaseReady", "False"),
        ("redis", "WrongPass", "RedisReady", "False"),
        ("mail", "TlsExpected", "MailReady", "True"),
        ("ldap", "FilterInvalid", "LdapReady", "True"),
        ("dingtalk", "SignMismatch", "DingTalkReady", "True"),
        ("channels", "SettingsInvalid", "ChannelsReady", "True"),
    ];
    for (check, reason, condition, ready) in table {
        let mut shop = Shop::production();
        let before = shop.desired.deployments.clone();
        for (secret, pairs) in [
            ("sentry-postgresql", vec![("username", "sentry"), ("password", "new")]),
            ("sentry-redis", vec![("password", "new")]),
            ("sentry-smtp", vec![("username", "sentry"), ("password", "new")]),
            ("sentry-ldap", vec![("password", "new")]),
            ("sentry-dingtalk", vec![("access-token", "new"), ("secret", "SECnew")]),
        ] {
            let concerns = [
                ("sentry-postgresql", "postgresql"),
                ("sentry-redis", "redis"),
                ("sentry-smtp", "mail"),
                ("sentry-ldap", "ldap"),
                ("sentry-dingtalk", "dingtalk"),
                ("sentry-dingtalk", "channels"),
            ];
            if concerns.contains(&(secret, check)) {
                shop.secret(secret, &pairs);
            }
        }
        shop.step();
        shop.preflight_fails(&report(check, reason));
        assert_eq!(shop.condition(condition), format!("False {reason}"));
        assert_eq!(shop.condition("Ready"), format!("{ready} Degraded"), "{check}");
        assert_eq!(shop.desired.deployments, before, "a bad rotation of {check} reached the pods");
        let message = &shop.find(condition).expect("it is there").message;
        assert_eq!(message, "what to do; the pods keep the settings that worked");
        let story = &shop.find("Ready").expect("it is there").message;
        assert_eq!(*story, format!("{condition} {reason}: {message}"));
    }
}

#[test]
fn what_may_fail_is_up_to_the_spec() {
    let mut shop = Shop::new_production();
    shop.write("preflight", &json!({"severity": {"ldap": "Block"}}));
    shop.step();
    shop.preflight_fails(&report("ldap", "AuthenticationFailed"));
    assert_eq!(shop.migration(), crate::instance::JobPhase::Pending);
    assert_eq!(
        (shop.status().phase, shop.condition("Ready")),
        (Some(Phase::PreflightFailed), "False PreflightFailed".into())
    );
    shop.write("preflight", &json!({"severity": {"ldap": "Warn"}}));
    shop.step();
    assert_eq!(shop.migration(), crate::instance::JobPhase::Running);
}

#[test]
fn a_missing_secret_of_a_channel_waits_alone_and_proceeds_by_itself() {
    let mut shop = Shop::new_production();
    let late = shop.secrets.remove("sentry-dingtalk").expect("it was there");
    shop.step();
    shop.preflight_succeeds();
    shop.migration_succeeds();
    shop.pods_become_ready();
    assert_eq!(
        (shop.condition("DingTalkReady"), shop.condition("Ready")),
        ("False SecretNotFound".into(), "True Degraded".into())
    );
    shop.secrets.insert("sentry-dingtalk".to_owned(), late);
    shop.step();
    shop.preflight_succeeds();
    shop.pods_become_ready();
    assert_eq!(
        (shop.condition("DingTalkReady"), shop.condition("Ready")),
        ("True Connected".into(), "True Running".into())
    );
}

#[test]
fn an_upgrade_waits_for_approval_where_it_is_asked_for() {
    let mut shop = Shop::production();
    shop.write("migrations", &json!({"policy": "Manual"}));
    shop.tag("next");
    shop.step();
    shop.preflight_succeeds();
    assert_eq!((shop.status().phase, shop.running_image()), (Some(Phase::AwaitingApproval), "picket:dev"));
    assert_eq!(shop.condition("MigrationsApplied"), "False AwaitingApproval");
    assert!(shop.find("Ready").is_some_and(|ready| ready.message.contains("approvedImage to picket:next")));
    assert_eq!(
        (shop.condition("Reconciling"), shop.condition("Stalled")),
        ("False AwaitingApproval".into(), "False AwaitingApproval".into())
    );
    shop.write("migrations", &json!({"policy": "Manual", "approvedImage": "picket:next"}));
    shop.step();
    assert_eq!(shop.migration(), crate::instance::JobPhase::Running);
}

#[test]
fn a_suspended_instance_keeps_everything_but_its_pods() {
    let mut shop = Shop::production();
    shop.write("suspended", &json!(true));
    shop.step();
    assert!(shop.desired.deployments.iter().all(|deployment| deployment.spec.replicas == Some(0)));
    shop.pods_become_ready();
    assert_eq!(
        (shop.condition("Ready"), shop.condition("Reconciling")),
        ("False Suspended".into(), "False Suspended".into())
    );
    assert_eq!(shop.instance.spec.worker.replicas, 2);
    shop.write("suspended", &json!(false));
    shop.step();
    shop.pods_become_ready();
    assert_eq!(shop.condition("Ready"), "True Running");
}

#[test]
fn a_patch_that_is_no_pod_is_named_and_the_pods_stay() {
    let mut shop = Shop::production();
    let before = shop.desired.deployments.clone();
    shop.write("web", &json!({"replicas": 2, "podTemplate": {"spec": {"hostAliasses": [{"ip": "10.0.0.1"}]}}}));
    shop.step();
    assert_eq!(shop.condition("OverridesAccepted"), "False OverrideRejected");
    assert_eq!(
        (shop.condition("Stalled"), shop.condition("Available")),
        ("True Stalled".into(), "True PodsAvailable".into())
    );
    assert!(shop.find("Ready").is_some_and(|ready| ready.message.contains("there is no field spec.hostAliasses")));
    assert!(shop.desired.deployments.is_empty() && !before.is_empty());
    let refused =
        "applying sentry-web: Deployment.apps is invalid: spec.template.spec.hostAliases[0].ip: Invalid value";
    let told = crate::status::rejected(&shop.instance, refused, at(0));
    let condition = told.conditions.iter().find(|it| it.type_ == "OverridesAccepted").expect("it is told");
    assert_eq!(condition.reason, "OverrideRejected");
    assert!(condition.message.starts_with("spec.web.podTemplate: applying sentry-web"), "{}", condition.message);
}

#[test]
fn a_volume_is_claimed_mounted_and_kept() {
    let mut shop = Shop::production();
    shop.gateway = GatewayApi::Installed;
    shop.write("files", &json!({"volume": {"size": "20Gi", "storageClassName": "fast"}}));
    shop.step();
    shop.preflight_succeeds();
    insta::assert_snapshot!("production_claim", serde_saphyr::to_string(&shop.desired.claims).expect("YAML"));
    let mounted = |template: &k8s_openapi::api::core::v1::PodTemplateSpec| {
        template.spec.as_ref().is_some_and(|spec| spec.volumes.iter().flatten().any(|volume| volume.name == "files"))
    };
    assert!(shop.desired.deployments.iter().all(|deployment| mounted(&deployment.spec.template)));
    shop.write("deletionPolicy", &json!("Delete"));
    shop.step();
    assert!(shop.desired.claims[0].metadata.owner_references.is_some());
}

#[test]
fn an_old_key_still_opens_what_it_sealed_while_a_new_one_takes_over() {
    let mut shop = Shop::production();
    shop.secret("sentry-secret-key", &[("secret-key", "the old key")]);
    let previous = json!([{"name": "sentry-secret-key", "key": "secret-key"}]);
    shop.write("secretKey", &json!({"secretRef": {"name": "new", "key": "key"}, "previousSecretRefs": previous}));
    shop.secret("new", &[("key", "the new key")]);
    shop.secret_key = SecretKeyFound::Known("the new key".to_owned());
    shop.step();
    let core =
        shop.desired.snapshots.iter().find(|it| it.metadata.name.as_deref().is_some_and(|it| it.contains("-core-")));
    let data = core.and_then(|core| core.data.clone()).expect("there are core settings");
    assert_eq!(data["SENTRY_SECRET_KEY_PREVIOUS"].0, b"the old key");
    shop.secrets.remove("sentry-secret-key");
    shop.step();
    assert_eq!(shop.condition("SecretKeyReady"), "False SecretNotFound");
}
