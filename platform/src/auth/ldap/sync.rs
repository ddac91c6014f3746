//! Follows the directories by the clock: roles, teams and superusers as they are now, and who is gone is locked out.

use anyhow::Result;

use super::{
    account,
    lookup::{self, Asked, Verdict},
    settings::{Find, Settings, Sync},
    steps::Steps,
    store,
};
use crate::app::App;

/// From so many people on, all of them gone at once is a mistake in the settings and not in the people.
const SUSPICIOUS: usize = 3;

/// Follows every directory that is to be followed. One that is away is left for the next time.
pub async fn sync(app: &App) -> Result<()> {
    for settings in app.directories.all().iter().filter(|settings| settings.sync == Sync::Periodic) {
        if matches!(settings.find, Find::Template(_)) && settings.bind.is_none() {
            tracing::debug!("{} cannot be followed: without SENTRY_LDAP_BIND_DN nobody may look", settings.name);
            continue;
        }
        follow(app, settings).await?;
    }
    if !app.directories.all().is_empty() {
        tracing::info!("the directories were followed");
    }
    Ok(())
}

async fn follow(app: &App, settings: &Settings) -> Result<()> {
    let known = store::identities(&app.db, &settings.name).await?;
    let inside = known.iter().filter(|one| one.gone_since.is_none()).count();
    let mut gone = Vec::new();
    for identity in &known {
        // Who was deactivated by a person stays so.
        if !identity.is_active && identity.gone_since.is_none() {
            continue;
        }
        match lookup::look_up(settings, &Asked::Known(&identity.key), None, &mut Steps::default()).await {
            Verdict::Found(person) => account::refresh(app, settings, &person, identity.user).await?,
            Verdict::Denied(denied, _) => gone.push((&identity.key, denied.to_string())),
            Verdict::Unknown | Verdict::WrongPassword => {
                gone.push((&identity.key, "the directory does not have them any more".to_owned()));
            }
            Verdict::Away(failure) => {
                tracing::error!("{} cannot be followed: {}", settings.name, failure.text);
                return Ok(());
            }
        }
    }
    let lost =
        gone.iter().filter(|(key, _)| known.iter().any(|one| one.key == **key && one.gone_since.is_none())).count();
    if lost == inside && inside >= SUSPICIOUS {
        tracing::error!(
            "{} lets nobody in any more of the {inside} who came by it: nobody is locked out; do its settings look in the right place?",
            settings.name
        );
        return Ok(());
    }
    for (key, why) in gone {
        account::lock_out(app, settings, key, &why).await?;
    }
    Ok(())
}
