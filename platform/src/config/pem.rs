//! Certificates and keys, as settings name them.

use std::{convert::Infallible, fmt, fs, str::FromStr};

use anyhow::{Context, Result};

/// A PEM file, by its name, or the PEM itself, which begins with `-----BEGIN`. Empty: neither.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Pem(String);

impl Pem {
    /// The PEM; none where none is named.
    pub fn read(&self) -> Result<Option<Vec<u8>>> {
        let text = self.0.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if text.starts_with("-----BEGIN ") {
            return Ok(Some(text.as_bytes().to_vec()));
        }
        fs::read(text).map(Some).with_context(|| format!("reading {text}"))
    }
}

/// The PEM that a setting names, if it names one; what goes wrong is told by the setting's name.
pub fn read_pem(setting: &'static str, pem: Option<&Pem>) -> Result<Option<Vec<u8>>> {
    Ok(pem.map(Pem::read).transpose().context(setting)?.flatten())
}

impl FromStr for Pem {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Pem, Infallible> {
        Ok(Pem(text.to_owned()))
    }
}

/// A key is a secret: only that there is something.
impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "Pem(none)" } else { "Pem(…)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pem_is_itself_or_a_file() {
        let read = |text: &str| text.parse::<Pem>().unwrap().read();
        assert_eq!(read("").unwrap(), None);
        assert_eq!(read("-----BEGIN CERTIFICATE-----\n").unwrap().unwrap(), b"-----BEGIN CERTIFICATE-----");
        assert!(format!("{:#}", read("/nonexistent/ca.crt").unwrap_err()).starts_with("reading /nonexistent/ca.crt"));
        assert!(!format!("{:?}", "-----BEGIN PRIVATE KEY-----".parse::<Pem>().unwrap()).contains("PRIVATE"));
    }
}
