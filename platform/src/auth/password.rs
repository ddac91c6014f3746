//! Passwords as argon2id PHC strings, hashed and checked away from the async threads.
//!
//! Each hash takes 19 MiB, so only a few run at once: a flood of logins waits instead of taking the machine's memory.

use std::sync::LazyLock;

use anyhow::{Context, Result, anyhow};
use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// What a password is compared with when the email is unknown, so that the answer takes as long.
static NOBODY: LazyLock<Result<String>> = LazyLock::new(|| hash_now("nobody's"));

/// Hashes a new password.
pub async fn hash(password: SecretString) -> Result<String> {
    let _turn = AT_ONCE.acquire().await.context("waiting for a turn to hash")?;
    tokio::task::spawn_blocking(move || hash_now(password.expose_secret())).await.context("hashing a password")?
}

/// Whether the password fits; never, when there is nothing it could fit.
pub async fn verify(password: SecretString, hash: Option<String>) -> Result<bool> {
    let _turn = AT_ONCE.acquire().await.context("waiting for a turn to hash")?;
    tokio::task::spawn_blocking(move || verify_now(password.expose_secret(), hash.as_deref()))
        .await
        .context("checking a password")?
}

fn hash_now(password: &str) -> Result<String> {
    let hash: PasswordHash =
        Argon2::default().hash_password(password.as_bytes()).map_err(|e| anyhow!("hashing a password: {e}"))?;
    Ok(hash.to_string())
}

fn verify_now(password: &str, hash: Option<&str>) -> Result<bool> {
    let nobody = NOBODY.as_ref().map_err(|e| anyhow!("{e:#}"))?;
    let parsed = PasswordHash::new(hash.unwrap_or(nobody)).map_err(|e| anyhow!("reading a stored password: {e}"))?;
    let fits = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
    Ok(fits && hash.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_only() {
        let hash = hash_now("swordfish").unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(verify_now("swordfish", Some(&hash)).unwrap());
        assert!(!verify_now("sailfish", Some(&hash)).unwrap());
    }

    #[test]
    fn nobody_has_no_password() {
        assert!(!verify_now("nobody's", None).unwrap());
    }
}
