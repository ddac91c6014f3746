//! The protocol as a table: every row of `*.txt` is a request, and what it must be answered, on one platform.
//!
//! `authentication.txt` says how a row is written. All rows of a table are tried, and all that do not hold are told.

mod row;

use anyhow::{Result, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};

use self::row::Row;
use crate::{
    Story,
    edge::{EVENT, ID, zlib},
    platform::{Platform, World},
};

pub const STORIES: &[Story] = &[
    Story { name: "senders_name_themselves_as_the_protocol_says", run: |world| holds(world, AUTHENTICATION) },
    Story { name: "bodies_are_packed_as_the_protocol_says", run: |world| holds(world, BODIES) },
    Story { name: "envelopes_are_read_as_the_protocol_says", run: |world| holds(world, ENVELOPES) },
    Story { name: "every_endpoint_answers_as_the_protocol_says", run: |world| holds(world, ENDPOINTS) },
    Story { name: "limits_are_told_as_the_protocol_says", run: |world| holds(world, LIMITS) },
];

const AUTHENTICATION: &str = include_str!("authentication.txt");
const BODIES: &str = include_str!("bodies.txt");
const ENVELOPES: &str = include_str!("envelopes.txt");
const ENDPOINTS: &str = include_str!("endpoints.txt");
const LIMITS: &str = include_str!("limits.txt");

/// A window that does not end while a story runs.
const LONG: &str = "366d";

fn holds(world: &World, table: &str) -> Result<()> {
    let platform = Platform::start(world)?;
    let names = names(&platform)?;
    let rows = Row::all(table)?;
    ensure!(rows.len() > 10, "there are rows");
    let wrong: Vec<String> =
        rows.iter().filter_map(|row| row.hold(&platform, &names).err()).map(|error| format!("{error:#}")).collect();
    ensure!(wrong.is_empty(), "{} of {} rows do not hold:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    Ok(())
}

/// What stands for what in a table.
fn names(platform: &Platform) -> Result<Vec<(String, String)>> {
    let mut names = Vec::new();
    for slug in ["shop", "other", "picky", "limited", "closed"] {
        let project = platform.project(slug)?;
        let prefix = if slug == "shop" { String::new() } else { format!("{slug}_") };
        names.push((slug.to_owned(), project.id.to_string()));
        names.push((format!("{prefix}query"), format!("sentry_key={}&sentry_version=7", project.key)));
        names.push((format!("{prefix}dsn_with_secret"), project.dsn.replace('@', ":secret@")));
        names.push((format!("{prefix}key"), project.key));
        names.push((format!("{prefix}dsn"), project.dsn));
    }
    let value = |name: &str| names.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
    let (key, closed) = (value("key").unwrap_or_default(), value("closed_key").unwrap_or_default());
    names.push(("basic".to_owned(), format!("Basic {}", BASE64_STANDARD.encode(format!("{key}:")))));
    names.push(("id".to_owned(), ID.to_owned()));
    names.push(("event".to_owned(), EVENT.to_owned()));
    names.push(("event_length".to_owned(), EVENT.len().to_string()));
    let packed = BASE64_STANDARD.encode(zlib(EVENT.as_bytes())?);
    let escaped = packed.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    names.push(("packed_event".to_owned(), escaped));
    names.push(("large".to_owned(), " ".repeat((1 << 20) + 1)));

    let made = |arguments: &[&str]| {
        let dsn =
            platform.picket(&[&["keys"], arguments, &["--organization", "acme", "--project", "shop"]].concat())?;
        Ok::<_, anyhow::Error>(
            dsn.split("://").nth(1).and_then(|rest| rest.split('@').next()).unwrap_or_default().to_owned(),
        )
    };
    let disabled = made(&["create", "--label", "disabled"])?;
    platform.picket(&["keys", "disable", &disabled])?;
    let ended = made(&["create", "--label", "ended"])?;
    platform.sql(&format!("update project_keys set expires_at = now() where public_key = '{ended}'"))?;
    names.push(("disabled_key".to_owned(), disabled));
    names.push(("ended_key".to_owned(), ended));

    let acme = ["--organization", "acme", "--project"];
    let origins = ["picky", "--set", "shop.example,*.shop.example"];
    platform.picket(&[&["projects", "origins"], &acme[..], &origins].concat())?;
    let limit = ["limited", "--categories", "error,default,monitor,security", "--most", "0", "--window", LONG];
    platform.picket(&[&["quotas", "set", "--reason", "story"], &acme[..], &limit].concat())?;
    platform.picket(&["quotas", "set", "--key", &closed, "--most", "0", "--window", LONG, "--reason", "closed"])?;
    Ok(names)
}
