//! The settings as people read them: the snapshot, and what an existing `.env` may contain.

use std::{collections::HashSet, fmt::Write, fs, path::Path};

use clap::{Args, Command, FromArgMatches};
use secrecy::ExposeSecret;

use super::Config;

const HEAD: &str = "\
# Every setting of the platform with its default, for Docker and systemd. Made from the program and checked against it:
# UPDATE=1 cargo test -p picket-platform settings
# What has no default is commented out. Every secret can also be named by a file (NAME_FILE).
";

fn command() -> Command {
    Config::augment_args(Command::new("picket"))
}

/// The settings as a file of variables.
fn snapshot() -> String {
    let mut text = HEAD.to_owned();
    let mut heading = None;
    for argument in command().get_arguments() {
        if heading != argument.get_help_heading() {
            heading = argument.get_help_heading();
            writeln!(text, "\n\n# ---- {} ----", heading.unwrap_or_default()).unwrap();
        }
        let name = argument.get_env().unwrap().to_str().unwrap();
        writeln!(text, "\n# {}", argument.get_help().unwrap()).unwrap();
        let words: Vec<_> = argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        // Of yes or no there are many ways of writing; the default shows one.
        if !words.is_empty() && !argument.get_default_values().iter().any(|value| value == "true" || value == "false") {
            writeln!(text, "# One of: {}", words.join(", ")).unwrap();
        }
        match argument.get_default_values() {
            [] => writeln!(text, "#{name}=").unwrap(),
            [value, ..] => writeln!(text, "{name}={}", value.to_str().unwrap()).unwrap(),
        }
    }
    text
}

#[test]
fn the_file_of_settings_is_what_the_program_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/platform.env");
    let snapshot = snapshot();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &snapshot).unwrap();
    }
    let file = fs::read_to_string(&path).unwrap();
    assert!(
        file == snapshot,
        "config/platform.env is not up to date: run UPDATE=1 cargo test -p picket-platform settings"
    );
}

#[test]
fn every_setting_is_explained_and_has_a_variable_of_its_own() {
    let mut names = HashSet::new();
    for argument in command().get_arguments() {
        let name = argument.get_env().unwrap_or_else(|| panic!("{} has no variable", argument.get_id()));
        assert!(names.insert(name.to_owned()), "{} stands for two settings", name.display());
        assert!(argument.get_help().is_some(), "{} is not explained", name.display());
        assert!(argument.get_help_heading().is_some(), "{} belongs nowhere", name.display());
    }
}

#[test]
fn flags_are_written_as_sentry_takes_them() {
    for (word, expected) in [("1", true), ("True", true), ("yes", true), ("0", false), ("False", false), ("off", false)]
    {
        let matches = command().try_get_matches_from(["picket", "--email-use-tls", word]).unwrap();
        assert_eq!(Config::from_arg_matches(&matches).unwrap().mail.use_tls, expected, "{word}");
    }
}

#[test]
fn a_secret_never_shows_itself() {
    let matches = command().try_get_matches_from(["picket", "--db-password", "hunter2"]).unwrap();
    assert!(!format!("{:?}", Config::from_arg_matches(&matches).unwrap()).contains("hunter2"));
}

#[test]
fn an_empty_variable_is_none() {
    let arguments = ["picket", "--db-password", "", "--db-password-file", "", "--redis-password-file", ""];
    let config = Config::from_arg_matches(&command().try_get_matches_from(arguments).unwrap()).unwrap();
    assert!(config.postgres.password().unwrap().is_none());
    assert!(config.redis.password().unwrap().is_none());
}

#[test]
fn a_secret_is_read_from_its_variable_or_its_file_and_not_from_both() {
    let file = std::env::temp_dir().join(format!("picket-secret-{}", uuid::Uuid::new_v4().simple()));
    fs::write(&file, "hunter2\n").unwrap();
    let path = file.to_str().unwrap();
    let password = |arguments: &[&str]| {
        let matches = command().try_get_matches_from([&["picket"], arguments].concat()).unwrap();
        let password = Config::from_arg_matches(&matches).unwrap().postgres.password();
        password.map(|password| password.map(|password| password.expose_secret().to_owned()))
    };
    assert_eq!(password(&["--db-password-file", path]).unwrap().as_deref(), Some("hunter2"));
    assert_eq!(password(&["--db-password", "hunter3"]).unwrap().as_deref(), Some("hunter3"));
    assert!(password(&["--db-password", "hunter3", "--db-password-file", path]).is_err());
    fs::remove_file(&file).unwrap();
}
