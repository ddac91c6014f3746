//! A real OpenLDAP (slapd) with the base `dc=picket,dc=dev` and an administrator.
//!
//! People and groups come as LDIF through `ldapadd`, as a directory's own administrator would add them. The `memberOf`
//! overlay is on, as in most directories people log in with; with an identity it speaks STARTTLS and `ldaps` too. A class `group`
//! stands for Active Directory's. Not here: replication.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::sys::signal::Signal;

use crate::certificates::Identity;
use crate::net::Place;
use crate::process::{Program, Supervised, output};
use crate::run::Run;
use crate::tools;

/// The base of the directory.
pub const BASE: &str = "dc=picket,dc=dev";
/// Its administrator.
pub const ADMIN: &str = "cn=admin,dc=picket,dc=dev";
/// The administrator's password.
pub const PASSWORD: &str = "picket-directory";

const START: Duration = Duration::from_secs(30);
/// As much of Active Directory's schema as people sign in by.
const ACTIVE_DIRECTORY: &str = "\
attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
objectclass ( 1.2.840.113556.1.5.8 NAME 'group' SUP top STRUCTURAL MUST cn MAY ( member $ description ) )
objectclass ( 1.2.840.113556.1.5.9 NAME 'user' SUP top AUXILIARY MAY sAMAccountName )
";
const SCHEMAS: [&str; 4] = ["core", "cosine", "inetorgperson", "nis"];

/// A running directory.
#[derive(Debug)]
pub struct Ldap {
    /// The address it listens on.
    pub host: IpAddr,
    /// Its port.
    pub port: u16,
    /// The port of `ldaps`, where it has an identity.
    pub tls_port: Option<u16>,
    folder: PathBuf,
    place: Place,
    server: Supervised,
}

impl Ldap {
    /// Starts a directory that holds nothing but its base.
    pub fn start(run: &Run, listen: IpAddr) -> Result<Self> {
        Self::start_with(run, listen, None)
    }

    /// The same, with an identity to encrypt with.
    pub fn start_with(run: &Run, listen: IpAddr, identity: Option<&Identity>) -> Result<Self> {
        tools::packages(&["slapd", "ldap-utils"])?;
        let folder = run.folder("ldap")?;
        fs::create_dir(folder.join("data"))?;
        fs::write(folder.join("slapd.conf"), configuration(&folder, identity))?;
        let port = run.place().port_for(listen, 389)?;
        let tls_port = identity.map(|_| run.place().port_for(listen, 636)).transpose()?;
        let also = tls_port.map(|port| format!(" ldaps://{listen}:{port}")).unwrap_or_default();
        let server = Program::new("/usr/sbin/slapd")
            .arg("-f")
            .arg(folder.join("slapd.conf"))
            .args(["-h", &format!("ldap://{listen}:{port}{also}"), "-d", "none"])
            .start(run)?;
        let ldap = Self { host: listen, port, tls_port, folder, place: run.place().clone(), server };
        ldap.server.wait_until(START, || ldap.place.accepts((listen, port).into()))?;
        ldap.load(&format!("dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Picket\ndc: picket\n"))?;
        Ok(ldap)
    }

    /// The URL of the directory.
    pub fn url(&self) -> String {
        format!("ldap://{}:{}", self.host, self.port)
    }

    /// Adds entries.
    pub fn load(&self, ldif: &str) -> Result<()> {
        self.ask("ldapadd", ldif)
    }

    /// Changes or deletes entries: LDIF with `changetype` lines.
    pub fn modify(&self, ldif: &str) -> Result<()> {
        self.ask("ldapmodify", ldif)
    }

    /// Has it answer nothing, as a machine out of memory would, until it is resumed.
    pub fn pause(&self) -> Result<()> {
        self.server.signal(Signal::SIGSTOP)
    }

    /// Has it answer again.
    pub fn resume(&self) -> Result<()> {
        self.server.signal(Signal::SIGCONT)
    }

    /// Stops it, as an outage would.
    pub fn stop(&self) {
        self.server.stop();
    }

    /// Starts it again with its entries.
    pub fn restart(&self) -> Result<()> {
        self.server.restart()?;
        self.server.wait_until(START, || self.place.accepts((self.host, self.port).into()))
    }

    fn ask(&self, client: &str, ldif: &str) -> Result<()> {
        let file = self.folder.join("input.ldif");
        fs::write(&file, ldif)?;
        let mut command = self.place.command(client);
        command.args(["-x", "-H", &self.url(), "-D", ADMIN, "-w", PASSWORD, "-f"]).arg(file);
        output(&mut command).with_context(|| format!("giving the directory\n{ldif}"))?;
        Ok(())
    }
}

fn configuration(folder: &Path, identity: Option<&Identity>) -> String {
    let tls = identity.map(|identity| {
        let (certificate, key) = (identity.certificate.display(), identity.key.display());
        format!("TLSCertificateFile {certificate}\nTLSCertificateKeyFile {key}\n")
    });
    let tls = tls.unwrap_or_default();
    let includes: String = SCHEMAS.map(|schema| format!("include /etc/ldap/schema/{schema}.schema\n")).concat();
    format!(
        "{includes}{ACTIVE_DIRECTORY}{tls}modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
pidfile {folder}/slapd.pid
database mdb
suffix {BASE}
rootdn {ADMIN}
rootpw {PASSWORD}
directory {folder}/data
index objectClass,uid,mail,member,uniqueMember,memberUid eq
overlay memberof
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree=ou=public,{BASE} by * read
access to * by users read by * none
",
        folder = folder.display()
    )
}
