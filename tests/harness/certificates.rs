//! A certificate authority of the run, for the cluster and for every server that speaks TLS.
//!
//! Keys are ECDSA P-256 in PKCS#8, everything is a PEM file in one folder. Not here: revocation, intermediates.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rcgen::{KeyUsagePurpose, PKCS_ECDSA_P256_SHA256};

/// A certificate and its key, both PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Who a certificate is for.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The common name; the user, for Kubernetes.
    pub name: &'a str,
    /// The organization, where there is one; the group, for Kubernetes.
    pub organization: Option<&'a str>,
    /// The DNS names and addresses a server answers to.
    pub hosts: &'a [&'a str],
}

/// An authority that clients can be told to trust.
#[derive(Debug)]
pub struct Authority {
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes an authority that keeps its files in this folder.
    pub fn create(folder: PathBuf) -> Result<Self> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, "picket workshop authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        fs::create_dir_all(&folder)?;
        write(&folder, "ca", &params.self_signed(&key)?, &key)?;
        Ok(Self { folder, issuer: Issuer::new(params, key) })
    }

    /// The certificate to trust.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    /// Issues a certificate for clients and servers alike.
    pub fn issue(&self, file: &str, subject: Subject) -> Result<Identity> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::new(subject.hosts.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        params.distinguished_name.push(DnType::CommonName, subject.name);
        if let Some(organization) = subject.organization {
            params.distinguished_name.push(DnType::OrganizationName, organization);
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        write(&self.folder, file, &params.signed_by(&key, &self.issuer)?, &key)
    }
}

fn write(folder: &Path, name: &str, certificate: &Certificate, key: &KeyPair) -> Result<Identity> {
    let identity =
        Identity { certificate: folder.join(format!("{name}.crt")), key: folder.join(format!("{name}.key")) };
    fs::write(&identity.certificate, certificate.pem())?;
    fs::write(&identity.key, key.serialize_pem())?;
    fs::set_permissions(&identity.key, fs::Permissions::from_mode(0o600))?;
    Ok(identity)
}
