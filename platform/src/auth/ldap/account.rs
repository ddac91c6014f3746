//! Makes somebody what a directory says they are: their account, role, teams and rank.
//!
//! One person has one account, whatever they typed and however often at once: their key is locked while it is made. An account
//! that is there already is taken over by its email, but never that of a superuser with a password: whoever may write their own
//! entry's mail would become one.

use anyhow::{Context, Result};
use serde_json::json;
use sqlx::{PgConnection, Postgres, Transaction};

use super::{
    mapping::Person,
    settings::{Settings, Sync},
    store,
};
use crate::{
    app::App,
    audit::{self, Actor, Entry},
    auth::UserId,
    organizations::OrganizationId,
    permissions::Role,
};

/// Whether somebody whom a directory lets in has an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    Open(UserId),
    /// Why not.
    Closed(String),
}

/// Whether it is the first time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Time {
    First,
    Again,
}

/// Finds or makes the account of somebody who signs in, and has it follow the directory.
pub async fn sign_in(app: &App, settings: &Settings, person: &Person, address: &str) -> Result<Account> {
    let mut tx = app.db.begin().await.context("signing somebody in by LDAP")?;
    store::lock(&mut tx, &format!("{}:{}", settings.name, person.key)).await?;
    store::lock(&mut tx, &format!("email:{}", person.email.to_lowercase())).await?;
    let (user, time) = match account(&mut tx, settings, person).await? {
        Ok(found) => found,
        Err(why) => return Ok(Account::Closed(why)),
    };
    let actor = Actor { address: address.to_owned(), ..Actor::system(&settings.name) };
    if time == Time::First {
        let entry = Entry {
            organization: store::organization(&mut *tx, settings.organization.as_deref()).await?,
            event: "sso-identity.link",
            target: &person.email,
            data: json!({"directory": settings.name, "username": person.username, "dn": person.dn}),
        };
        audit::record(&mut *tx, &actor, entry).await?;
        if !settings.subscribe {
            store::unsubscribe(&mut *tx, user).await?;
        }
    }
    follow(app, &mut tx, (settings, &actor), (person, user, time)).await?;
    tx.commit().await.context("signing somebody in by LDAP")?;
    Ok(Account::Open(user))
}

/// Has an account follow what the directory says now.
pub(super) async fn refresh(app: &App, settings: &Settings, person: &Person, user: UserId) -> Result<()> {
    let mut tx = app.db.begin().await.context("following a directory")?;
    store::lock(&mut tx, &format!("{}:{}", settings.name, person.key)).await?;
    let actor = Actor::system(&settings.name);
    follow(app, &mut tx, (settings, &actor), (person, user, Time::Again)).await?;
    tx.commit().await.context("following a directory")
}

async fn account(
    tx: &mut Transaction<'_, Postgres>,
    settings: &Settings,
    person: &Person,
) -> Result<Result<(UserId, Time), String>> {
    if let Some(known) = store::identity(&mut **tx, &settings.name, &person.key).await? {
        let is_shut = !known.is_active && known.gone_since.is_none();
        return Ok(if is_shut {
            Err("their account was deactivated".to_owned())
        } else {
            Ok((known.user, Time::Again))
        });
    }
    let Some(owner) = store::owner_of_email(&mut **tx, &settings.name, &person.email).await? else {
        let user = store::insert_user(&mut **tx, &person.email, &person.name).await.context("making an account")?;
        return Ok(Ok((user, Time::First)));
    };
    let email = &person.email;
    Ok(match owner {
        store::Owner { key: Some(key), .. } => {
            Err(format!("the email {email} is that of {key}, whom the directory has too"))
        }
        store::Owner { is_guarded: true, .. } => Err(format!(
            "the email {email} is that of a superuser with a password, which no directory takes over: remove the password or change the email"
        )),
        store::Owner { is_active: false, .. } => Err(format!("the account of {email} was deactivated")),
        store::Owner { id, .. } => Ok((id, Time::First)),
    })
}

async fn follow(
    app: &App,
    tx: &mut PgConnection,
    (settings, actor): (&Settings, &Actor),
    (person, user, time): (&Person, UserId, Time),
) -> Result<()> {
    store::see(&mut *tx, (&settings.name, &person.key, &person.dn), user, app.now()).await?;
    if time == Time::First || settings.always_update {
        let email = Some(person.email.as_str()).filter(|_| person.email_is_known);
        store::update_user(&mut *tx, user, &person.name, email).await?;
    }
    store::set_username(&mut *tx, user, &person.username).await?;
    if time == Time::Again && settings.sync == Sync::First {
        return Ok(());
    }
    if let Some(is_superuser) = person.is_superuser
        && store::set_superuser(&mut *tx, user, &settings.name, is_superuser).await?
    {
        let data = json!({"superuser": is_superuser});
        let entry = Entry { organization: None, event: "user.superuser", target: &person.email, data };
        audit::record(&mut *tx, actor, entry).await?;
    }
    let Some(organization) = store::organization(&mut *tx, settings.organization.as_deref()).await? else {
        let named = settings.organization.as_deref().unwrap_or("(the only one)");
        tracing::error!(
            "{} signs in and is in no organization: there is none whose slug or name is {named:?}: correct \
             SENTRY_LDAP_DEFAULT_SENTRY_ORGANIZATION",
            person.username
        );
        return Ok(());
    };
    join(tx, (settings, actor), (person, user, organization)).await
}

async fn join(
    tx: &mut PgConnection,
    (settings, actor): (&Settings, &Actor),
    (person, user, organization): (&Person, UserId, OrganizationId),
) -> Result<()> {
    let before = store::membership(&mut *tx, organization, user).await?;
    let decided = (settings.name.as_str(), person.role, settings.global_access);
    store::set_membership(&mut *tx, (organization, user), decided).await?;
    let entry = |event, data| Entry { organization: Some(organization), event, target: &person.email, data };
    let changed = match &before {
        None => Some(entry("member.add", json!({"role": person.role.name()}))),
        Some((role, managed)) if managed.as_deref() == Some(&settings.name) && *role != person.role => {
            Some(entry("member.edit", json!({"role": person.role.name(), "old_role": Role::name(*role)})))
        }
        Some(_) => None,
    };
    if let Some(entry) = changed {
        audit::record(&mut *tx, actor, entry).await?;
    }
    let found = store::set_teams(&mut *tx, (organization, user), &settings.name, &person.teams).await?;
    for missing in person.teams.iter().filter(|slug| !found.contains(slug)) {
        tracing::warn!("{} puts people into the team {missing:?}, which is not there", settings.name);
    }
    Ok(())
}

/// Locks out somebody whom a directory does not let in any more: no session, no token, until it does again.
pub(super) async fn lock_out(app: &App, settings: &Settings, key: &str, why: &str) -> Result<()> {
    let mut tx = app.db.begin().await.context("locking somebody out")?;
    let locked = store::lose(&mut tx, (&settings.name, key), app.now()).await?;
    if locked.is_some() {
        let organization = store::organization(&mut *tx, settings.organization.as_deref()).await?;
        let entry = Entry { organization, event: "user.deactivate", target: key, data: json!({"why": why}) };
        audit::record(&mut *tx, &Actor::system(&settings.name), entry).await?;
        tracing::info!("{key} has no access any more: {why}");
    }
    tx.commit().await.context("locking somebody out")
}
