//! What the first start made up and every later start needs: secrets, and what was put into the database with them.
//!
//! It is written before it is used, so a start that is killed in the middle is finished by the next one.

use std::{fs, io};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::{
    home::{Home, write_secret},
    seed::Seeded,
};
use crate::auth;

/// Letters and digits of the first password: 95 bits, and still short enough to type.
const PASSWORD_LENGTH: usize = 16;

/// The contents of `secrets.json`.
#[derive(Deserialize, Serialize)]
pub struct State {
    pub secret_key: String,
    pub database_password: String,
    /// Who signs in first, and with what.
    pub email: String,
    pub password: String,
    /// What the database was filled with; none until that is done.
    pub seeded: Option<Seeded>,
}

impl State {
    /// Reads the secrets, or makes them up on the first start.
    pub fn open(home: &Home) -> Result<State> {
        let path = home.secrets();
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).with_context(|| format!("reading {}", path.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound && home.postgres().join("data").exists() => bail!(
                "{} is missing, and without it nobody gets into the database beside it: restore it from a backup, or move \
                 {} away to start anew",
                path.display(),
                home.root().display()
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let state = State::new();
                state.save(home)?;
                Ok(state)
            }
            Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
        }
    }

    /// Fresh secrets.
    pub fn new() -> State {
        State {
            secret_key: auth::new_secret_key(),
            database_password: auth::new_secret_key(),
            email: "admin@localhost".to_owned(),
            password: auth::new_secret_key().chars().take(PASSWORD_LENGTH).collect(),
            seeded: None,
        }
    }

    /// Writes the secrets down.
    pub fn save(&self, home: &Home) -> Result<()> {
        write_secret(&home.secrets(), &serde_json::to_vec_pretty(self).context("writing the secrets")?)
    }
}
