//! Secrets of other services, encrypted at rest with the secret key: a stolen database opens nothing elsewhere.
//!
//! AES-256-GCM under a key made from `SENTRY_SECRET_KEY` by HKDF. What is sealed names its key, so that a key can be replaced:
//! the one before goes on opening what it sealed. It also belongs to a place, and does not open in another.

use anyhow::{Context, Result, anyhow, ensure};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    digest::{SHA256, digest},
    hkdf::{HKDF_SHA256, Salt},
};
use secrecy::{ExposeSecret, SecretString};

const VERSION: u8 = 1;
/// Bytes that name a key.
const NAME: usize = 4;
const HEAD: usize = 1 + NAME + NONCE_LEN;

/// What seals and opens.
pub struct Vault {
    current: Key,
    previous: Vec<Key>,
}

struct Key {
    name: [u8; NAME],
    aead: RandomizedNonceKey,
}

impl Key {
    fn of(secret: &SecretString) -> Result<Key> {
        let mut bytes = [0; 32];
        let made = Salt::new(HKDF_SHA256, b"picket").extract(secret.expose_secret().as_bytes());
        let info: [&[u8]; 1] = [b"secrets at rest, version 1"];
        made.expand(&info, HKDF_SHA256)
            .and_then(|made| made.fill(&mut bytes))
            .map_err(|_| anyhow!("making a key from the secret key"))?;
        let name = digest(&SHA256, &bytes).as_ref()[..NAME].try_into().context("naming a key")?;
        let aead = RandomizedNonceKey::new(&AES_256_GCM, &bytes).map_err(|_| anyhow!("preparing a key"))?;
        Ok(Key { name, aead })
    }
}

impl Vault {
    /// Seals with the secret key, and opens what it or one before sealed.
    pub fn new(current: &SecretString, previous: &[SecretString]) -> Result<Vault> {
        Ok(Vault { current: Key::of(current)?, previous: previous.iter().map(Key::of).collect::<Result<_>>()? })
    }

    /// Encrypts something for a place.
    pub fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let mut text = plain.to_vec();
        let nonce = self.current.aead.seal_in_place_append_tag(Aad::from(place), &mut text);
        let nonce = nonce.map_err(|_| anyhow!("encrypting a secret"))?;
        Ok([&[VERSION], &self.current.name[..], nonce.as_ref(), &text].concat())
    }

    /// Decrypts what was sealed for a place.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        ensure!(sealed.len() > HEAD && sealed[0] == VERSION, "this is no sealed secret");
        let (head, text) = sealed.split_at(HEAD);
        let (name, nonce) = head[1..].split_at(NAME);
        let keys = std::iter::once(&self.current).chain(&self.previous);
        let key = keys.into_iter().find(|key| key.name == name).context(
            "it was encrypted with another secret key: name the one before in SENTRY_SECRET_KEY_PREVIOUS, or enter it again",
        )?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| anyhow!("reading a nonce"))?;
        let mut text = text.to_vec();
        let opened = key.aead.open_in_place(nonce, Aad::from(place), &mut text);
        let length = opened.map_err(|_| anyhow!("the sealed secret was changed, or belongs elsewhere"))?.len();
        text.truncate(length);
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(current: &str, previous: &[&str]) -> Vault {
        let previous: Vec<SecretString> = previous.iter().map(|key| SecretString::from(*key)).collect();
        Vault::new(&current.into(), &previous).unwrap()
    }

    #[test]
    fn what_is_sealed_is_not_seen_and_opens_only_where_it_belongs() {
        let vault = vault("the key", &[]);
        let sealed = vault.seal("acme", b"SEC123").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"SEC123"));
        assert_ne!(sealed, vault.seal("acme", b"SEC123").unwrap(), "no two look the same");
        assert_eq!(vault.open("acme", &sealed).unwrap(), b"SEC123");
        assert!(vault.open("other", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(vault.open("acme", &changed).is_err(), "byte {at} was changed");
            assert!(vault.open("acme", &sealed[..at]).is_err(), "{at} bytes are left");
        }
    }

    #[test]
    fn a_key_that_was_replaced_still_opens() {
        let sealed = vault("old", &[]).seal("acme", b"SEC123").unwrap();
        assert_eq!(vault("new", &["older", "old"]).open("acme", &sealed).unwrap(), b"SEC123");
        let error = vault("new", &["older"]).open("acme", &sealed).unwrap_err();
        assert!(error.to_string().contains("SENTRY_SECRET_KEY_PREVIOUS"), "{error}");
    }
}
