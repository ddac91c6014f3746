//! Channels of the installation's configuration (`SENTRY_CHANNELS`): every organisation has them, and nobody changes them there.
//!
//! Cron brings them into the database at its start and every minute, so that an organisation that is new has them too, and
//! one that left the list is gone with what was to be told by it. A name is what a channel is known by: while it stays, so do
//! the rules that use it.

use std::{collections::BTreeMap, fmt};

use anyhow::{Context, Result, anyhow, ensure};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Channel, Kind, dingtalk, kind,
    schema::{self, Both, Config, LANGUAGE, both},
    seal,
    setup::{self, Asked, NO_KIND},
    store::{self, New, Owner},
};
use crate::{
    app::App,
    config::{self, Tongue},
    organizations::OrganizationId,
};

/// What somebody is told who would change one.
pub const CONFIGURED: Both = both(
    "This channel comes from the installation's configuration, and is changed there: SENTRY_CHANNELS.",
    "该渠道来自部署配置，请在 SENTRY_CHANNELS 中修改。",
);

/// A channel of the list.
pub struct Configured {
    pub kind: &'static dyn Kind,
    pub name: String,
    pub config: Config,
}

/// Its name; what it was told is secret.
impl fmt::Debug for Configured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.kind.id(), self.name)
    }
}

impl Configured {
    /// Whether it is a robot of DingTalk.
    pub fn is_robot(&self) -> bool {
        self.kind.id() == dingtalk::DingTalk.id()
    }
}

/// One entry of the list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    kind: String,
    name: String,
    #[serde(default)]
    config: Map<String, Value>,
}

/// The list, or what is wrong with it: the first mistake, by the channel's name and the field's.
pub fn read(config: &config::Config) -> Result<Vec<Configured>> {
    let Some(list) = config.alerts.channels()? else { return Ok(Vec::new()) };
    let entries: Vec<Entry> = serde_json::from_str(list.expose_secret()).map_err(|error| {
        // Its own words may repeat what stands there, and secrets do.
        let (line, column) = (error.line(), error.column());
        anyhow!("SENTRY_CHANNELS is no JSON list of objects with kind, name and config: line {line}, column {column}")
    })?;
    let mut read: Vec<Configured> = Vec::new();
    for entry in entries {
        let configured = one(config, entry)?;
        ensure!(
            read.iter().all(|other| other.name != configured.name),
            "SENTRY_CHANNELS: there are two channels called {:?}: give each a name of its own",
            configured.name
        );
        read.push(configured);
    }
    Ok(read)
}

fn one(config: &config::Config, entry: Entry) -> Result<Configured> {
    let Entry { kind: id, name, config: values } = entry;
    let wrong = |field: &str, why: Both| anyhow!("SENTRY_CHANNELS: channel {name:?}: {field}: {}", why.en);
    let kind = kind(&id).ok_or_else(|| wrong("kind", NO_KIND))?;
    let mut values = schema::texts(&values);
    let language = if config.site.language == Tongue::Zh { "zh" } else { "en" };
    values.entry(LANGUAGE.name.to_owned()).or_insert_with(|| language.to_owned());
    let asked = Asked { kind: id, name: name.clone(), values };
    match setup::check(&config.outbound.allow, kind, &asked, None) {
        Ok(config) => Ok(Configured { kind, name: name.trim().to_owned(), config }),
        Err(mistakes) => {
            let (field, why) = mistakes.into_iter().next().unwrap_or(("config".to_owned(), NO_KIND));
            Err(wrong(&field, why))
        }
    }
}

/// Brings the channels of every organisation to what the configuration says.
pub async fn follow(app: &App) -> Result<()> {
    let wanted = read(&app.config)?;
    let mut there: BTreeMap<i64, Vec<Channel>> = BTreeMap::new();
    for (organization, channel) in store::configured(&app.db).await.context("reading configured channels")? {
        let channels = there.entry(organization.0).or_default();
        if let Some(channel) = channel {
            channels.extend(store::find(&app.db, channel).await.context("reading a configured channel")?);
        }
    }
    for (organization, channels) in there {
        let owner = Owner { organization: OrganizationId(organization), project: None };
        for step in steps(app, &channels, &wanted) {
            take(app, owner, step).await?;
        }
    }
    Ok(())
}

/// What has to be done for an organisation.
enum Step<'a> {
    Add(&'a Configured),
    Change(&'a Channel, &'a Configured),
    Remove(&'a Channel),
}

/// What is there and what is wanted, compared. One whose secrets cannot be read any more is written anew.
fn steps<'a>(app: &App, there: &'a [Channel], wanted: &'a [Configured]) -> Vec<Step<'a>> {
    let is_same =
        |channel: &Channel, wanted: &Configured| channel.name == wanted.name && channel.kind == wanted.kind.id();
    let gone = there.iter().filter(|channel| wanted.iter().all(|it| !is_same(channel, it))).map(Step::Remove);
    let asked = wanted.iter().filter_map(|it| match there.iter().find(|channel| is_same(channel, it)) {
        None => Some(Step::Add(it)),
        Some(channel) => {
            let is_as_asked = channel.open(&app.vault).is_ok_and(|config| config == it.config);
            (!is_as_asked).then_some(Step::Change(channel, it))
        }
    });
    gone.chain(asked).collect()
}

async fn take(app: &App, owner: Owner, step: Step<'_>) -> Result<()> {
    let (Step::Add(wanted) | Step::Change(_, wanted)) = step else {
        let Step::Remove(channel) = step else { return Ok(()) };
        store::delete(&app.db, owner, channel.id).await.context("removing a configured channel")?;
        return Ok(());
    };
    let (config, secrets) = wanted.config.split(wanted.kind.fields());
    let secrets = seal(&app.vault, owner.organization, &secrets)?;
    if let Step::Change(channel, _) = step {
        return store::update(&app.db, channel.id, &wanted.name, (config, secrets))
            .await
            .context("changing a configured channel");
    }
    let (kind, name) = (wanted.kind.id(), wanted.name.as_str());
    let new = New { owner, kind, name, config, secrets, user: None, now: app.now() };
    store::insert(&app.db, &new).await.context("adding a configured channel")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, FromArgMatches};

    use super::*;

    fn reads(list: &str) -> Result<Vec<Configured>> {
        let command = config::Config::augment_args(Command::new("picket"));
        let matches = command.try_get_matches_from(["picket", "--language", "zh", "--channels", list])?;
        read(&config::Config::from_arg_matches(&matches)?)
    }

    fn wrong(list: &str) -> String {
        reads(list).expect_err("it is refused").to_string()
    }

    #[test]
    fn a_list_is_read_as_a_form_is() {
        let list = r#"[{"kind": "dingtalk", "name": " oncall ", "config": {"access_token": "abc", "secret": "SEC1", "keywords": ["告警", "BUG"]}},
                       {"kind": "slack", "name": "chat", "config": {"url": "https://hooks.slack.com/services/x", "language": "en"}}]"#;
        let read = reads(list).unwrap();
        assert_eq!((read[0].name.as_str(), read[0].config.lines("keywords")), ("oncall", vec!["告警", "BUG"]));
        assert_eq!((read[0].config.text("language"), read[1].config.text("language")), ("zh", "en"));
        assert!(read[0].is_robot() && !read[1].is_robot());
        assert!(reads("").unwrap().is_empty());
    }

    #[test]
    fn a_mistake_is_named_by_channel_and_field_and_shows_no_secret() {
        assert_eq!(
            wrong(r#"[{"kind": "dingtalk", "name": "oncall"}]"#),
            r#"SENTRY_CHANNELS: channel "oncall": access_token: This is needed."#
        );
        assert!(wrong(r#"[{"kind": "pigeon", "name": "a"}]"#).contains("kind: There is no such kind"));
        assert!(wrong(r#"[{"kind": "feishu", "name": "a", "config": {"url": "http://10.0.0.1/"}}]"#).contains("url: "));
        let twice = r#"{"kind": "mail", "name": "a", "config": {"addresses": "a@example.com"}}"#;
        assert!(wrong(&format!("[{twice}, {twice}]")).contains("two channels called \"a\""));
        assert!(!wrong(r#"[{"kind": "slack", "name": "a", "secret": "hush"}]"#).contains("hush"));
    }
}
