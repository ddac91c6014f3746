//! What the operator renders for the sample is what the platform's settings read: the two programs share no code, only names.

use std::{collections::BTreeMap, fs};

use clap::{ArgMatches, Args, Command, FromArgMatches};
use harness::workspace;
use picket_operator::{
    instance::SentryInstance,
    validate::{Candidates, SecretKeyFound, Secrets, validate},
};
use picket_platform::{cli::UpgradeOptions, config::SslMode};

const SECRET_KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";

fn sample() -> SentryInstance {
    let text = fs::read_to_string(workspace().join("config/samples/sentryinstance.yaml")).expect("there is a sample");
    serde_saphyr::from_str(&text).expect("the sample is an instance")
}

fn candidates(instance: &SentryInstance) -> Candidates {
    let secret = |name: &str, pairs: &[(&str, &str)]| {
        let data = pairs.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()));
        (name.to_owned(), data.collect())
    };
    let secrets = Secrets::from([
        secret("shop-postgresql", &[("username", "picket"), ("password", "a password, with = and \"")]),
        secret("shop-redis", &[("password", "redis password")]),
        secret("shop-admin", &[("password", "admin password")]),
    ]);
    validate(instance, &secrets, &SecretKeyFound::Known(SECRET_KEY.to_owned()), "picket")
        .candidates
        .expect("there is a key")
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
    let instance = sample();
    let all = candidates(&instance);
    let mut variables = all.core.env().clone();
    for snapshot in
        [all.database.unwrap(), all.redis.unwrap(), all.mail.expect("the sample has mail").unwrap(), all.admin.unwrap()]
    {
        variables.extend(snapshot.env().clone());
    }
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
