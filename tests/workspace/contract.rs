//! What the operator renders for the sample is what the platform's settings read: the two programs share no code, only names.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use clap::{ArgMatches, Args, Command, FromArgMatches};
use harness::workspace;
use kube::CustomResourceExt;
use picket_operator::{
    instance::SentryInstance,
    resources::{env, labels::Role},
    secrets::Secrets,
    status::reasons,
    validate::{SecretKeyFound, validate},
};
use picket_platform::{
    auth::ldap::{Directories, settings::Find},
    channels::{KINDS, configured},
    check::{Reason, Status},
    cli::UpgradeOptions,
    config::SslMode,
};

const SECRET_KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";

fn sample(name: &str) -> SentryInstance {
    let text = fs::read_to_string(workspace().join("config/samples").join(name)).expect("there is a sample");
    serde_saphyr::from_str(&text).expect("the sample is an instance")
}

fn secrets(named: &[(&str, &[(&str, &str)])]) -> Secrets {
    let data = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect()
    };
    named.iter().map(|(name, pairs)| ((*name).to_owned(), data(pairs))).collect()
}

/// Everything that the platform is told of an instance: what is tried, and what is not.
fn rendered(instance: &SentryInstance, secrets: &Secrets) -> BTreeMap<String, String> {
    let key = SecretKeyFound::Known(SECRET_KEY.to_owned());
    let candidates = validate(instance, secrets, &key, "picket").candidates.expect("there is a key");
    let snapshots = candidates.snapshots().chain(candidates.admin.as_ref().ok());
    let mut variables: BTreeMap<String, String> = snapshots.flat_map(|snapshot| snapshot.env().clone()).collect();
    assert!(candidates.tried.values().all(Result::is_ok), "a Secret is missing");
    for role in [Role::Web, Role::Worker, Role::Cron, Role::Preflight, Role::Migrate] {
        variables.extend(env::plain(&instance.spec, role));
    }
    variables
}

/// Reads variables as the platform does at its start, from the settings' own names.
fn read(variables: &BTreeMap<String, String>) -> ArgMatches {
    let command = UpgradeOptions::augment_args(Command::new("picket"));
    let flags: Vec<String> = variables
        .iter()
        .map(|(name, value)| {
            let setting =
                command.get_arguments().find(|setting| setting.get_env().is_some_and(|env| env == name.as_str()));
            let setting = setting.unwrap_or_else(|| panic!("the platform has no setting {name}"));
            format!("--{}={value}", setting.get_long().expect("a setting has a flag"))
        })
        .collect();
    command.try_get_matches_from(std::iter::once("picket".to_owned()).chain(flags)).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn every_variable_the_operator_renders_is_a_setting_with_that_value() {
    let instance = sample("sentryinstance.yaml");
    let variables = rendered(
        &instance,
        &secrets(&[
            ("shop-postgresql", &[("username", "picket"), ("password", "a password, with = and \"")]),
            ("shop-redis", &[("password", "redis password")]),
            ("shop-admin", &[("password", "admin password")]),
        ]),
    );
    let options = UpgradeOptions::from_arg_matches(&read(&variables)).unwrap();
    let (spec, config) = (&instance.spec, &options.config);
    assert_eq!(config.site.url_prefix, spec.public_url);
    assert!(config.site.secret_key().is_ok());
    assert_eq!((&config.postgres.host, &config.postgres.name), (&spec.database.host, &spec.database.name));
    assert_eq!((config.postgres.user.as_str(), config.postgres.sslmode), ("picket", SslMode::Prefer));
    assert!(config.postgres.password().unwrap().is_some() && config.redis.password().unwrap().is_some());
    assert_eq!((&config.redis.host, config.redis.tls), (&spec.redis.host, false));
    let mail = spec.mail.as_ref().unwrap();
    assert_eq!((config.mail.host.as_ref(), &config.mail.server_email), (Some(&mail.host), &mail.from));
    assert_eq!(options.admin_email.as_ref(), Some(&spec.bootstrap_admin.email));
}

#[test]
fn the_production_sample_is_read_by_the_platform_to_the_last_setting() {
    let instance = sample("production.yaml");
    let variables = rendered(
        &instance,
        &secrets(&[
            ("sentry-postgresql", &[("username", "sentry"), ("password", "p")]),
            ("sentry-redis", &[("password", "p")]),
            ("sentry-admin", &[("password", "p")]),
            ("sentry-smtp", &[("username", "sentry@example.com"), ("password", "p")]),
            ("sentry-dingtalk", &[("access-token", "token"), ("secret", "SECret")]),
            ("sentry-ldap", &[("password", "p")]),
        ]),
    );
    let config = UpgradeOptions::from_arg_matches(&read(&variables)).unwrap().config;
    assert_eq!((config.redis.db, config.site.timezone.as_str(), config.site.use_ssl), (5, "Asia/Shanghai", true));
    assert_eq!((config.mail.port, config.mail.use_ssl, config.mail.use_tls), (465, true, false));
    let directories = Directories::open(&config.ldap).expect("the directory makes sense");
    let [corp] = directories.all() else { panic!("there is one directory") };
    assert_eq!((corp.uri.as_str(), corp.username_field.as_str()), ("ldap://ldap.example.com:3489", "uid"));
    let Find::Search(search) = &corp.find else { panic!("people are searched") };
    assert_eq!((search.base.as_str(), search.filter.as_str()), ("OU=技术部,DC=example,DC=com", "(mail=%(user)s)"));
    let groups = corp.groups.as_ref().expect("groups are searched");
    assert_eq!(
        (groups.search.filter.as_str(), groups.cached_for.num_seconds()),
        ("(objectClass=groupOfUniqueNames)", 3600)
    );
    assert_eq!(
        (corp.require_group.as_deref(), corp.deny_group.as_deref()),
        (Some("sentry-users"), Some("sentry-blocked"))
    );
    assert_eq!((corp.organization.as_deref(), corp.global_access, corp.role_groups.len()), (Some("example"), true, 3));
    let channels = configured::read(&config).expect("the channels make sense");
    assert_eq!((channels[0].name.as_str(), channels[0].config.text("secret")), ("技术部告警", "SECret"));
    assert_eq!((channels[0].config.text("language"), channels[0].config.lines("keywords")), ("zh", vec!["告警"]));
}

#[test]
fn a_kind_of_channel_asks_the_same_in_the_spec_as_in_its_form() {
    let crd = serde_json::to_value(SentryInstance::crd()).unwrap();
    let path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/channels/items/properties";
    let blocks = crd.pointer(path).expect("channels are in the CRD");
    let camel = |name: &str| {
        let mut words = name.split('_');
        let first = words.next().unwrap_or_default().to_owned();
        words.fold(first, |camel, word| camel + &word[..1].to_uppercase() + &word[1..])
    };
    for kind in KINDS {
        let of_form: BTreeSet<String> = kind
            .fields()
            .iter()
            .map(|field| match (field.name, field.input.is_secret()) {
                ("secret", true) => "secretRef".to_owned(),
                (name, true) => camel(name) + "SecretRef",
                (name, false) => camel(name),
            })
            .collect();
        let block = blocks[kind.id()]["properties"].as_object().unwrap_or_else(|| panic!("{} is missing", kind.id()));
        assert_eq!(block.keys().cloned().collect::<BTreeSet<_>>(), of_form, "{}", kind.id());
    }
}

#[test]
fn whatever_a_check_can_find_the_operator_can_tell() {
    for reason in Reason::ALL.into_iter().filter(|reason| reason.status() == Status::Failed) {
        let name = format!("{reason:?}");
        let told = reasons::OF_CHECKS.iter().find(|told| told.name == name);
        assert_eq!(told.map(|told| told.layer), Some(reason.layer()), "{name}");
    }
    let failures = Reason::ALL.into_iter().filter(|reason| reason.status() == Status::Failed).count();
    assert_eq!(reasons::OF_CHECKS.len(), failures, "the operator tells of what no check can find");
}
