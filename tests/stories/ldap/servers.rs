//! Servers: encrypted, slow, dying, sending us elsewhere.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use anyhow::{Context, Result, ensure};
use harness::{
    certificates::{Authority, Subject},
    ldap::Ldap,
};

use super::{GROUPED, PATIENCE, PEOPLE, SECRET, Site};
use crate::{
    Story,
    platform::{ADMIN, LOOPBACK, PASSWORD, World},
};

pub const STORIES: &[Story] = &[
    Story { name: "ldap_ldaps_and_starttls_check_the_certificate", run: encrypted },
    Story { name: "ldap_a_slow_server_holds_nobody_up_for_ever", run: slow },
    Story { name: "ldap_a_server_that_dies_in_the_middle_is_told_from_a_wrong_password", run: dies },
    Story { name: "ldap_referrals_are_never_followed", run: referrals },
];

fn encrypted(world: &World) -> Result<()> {
    let authority = Authority::create(world.run.folder("ldap-ca")?)?;
    let other = Authority::create(world.run.folder("other-ca")?)?;
    let identity = authority.issue("ldap", Subject { name: "localhost", organization: None, hosts: &["localhost"] })?;
    let site = Site::start_with(world, Ldap::start_with(&world.run, LOOPBACK, Some(&identity))?)?;
    let ca = authority.certificate().display().to_string();
    let other = other.certificate().display().to_string();
    let (plain, tls) = (site.ldap.port, site.ldap.tls_port.context("a port for TLS")?);
    let (starttls, ldaps) = (format!("ldap://localhost:{plain}"), format!("ldaps://localhost:{tls}"));
    let by_address = format!("ldaps://127.0.0.1:{tls}");
    for (uri, starts_tls, ca_file, verify, status) in [
        (&ldaps, "false", &ca, "true", 303),
        (&starttls, "true", &ca, "true", 303),
        (&ldaps, "false", &other, "true", 503),
        (&starttls, "true", &other, "true", 503),
        (&by_address, "false", &ca, "true", 503),
        (&by_address, "false", &other, "false", 303),
    ] {
        let web = site.web(&[
            ("SENTRY_LDAP_SERVER_URI", uri),
            ("SENTRY_LDAP_START_TLS", starts_tls),
            ("SENTRY_LDAP_CA_FILE", ca_file),
            ("SENTRY_LDAP_TLS_VERIFY", verify),
        ])?;
        let answer = web.login("ada", SECRET)?;
        ensure!(answer.status == status, "{uri} starttls={starts_tls} verify={verify} {ca_file}: {}", answer.status);
    }
    // A server without TLS is never talked to in the clear where TLS is asked for.
    let bare = Site::start(world)?;
    let web = bare.web(&[("SENTRY_LDAP_START_TLS", "true")])?;
    ensure!(web.login("ada", SECRET)?.status == 503, "without TLS nobody signs in");
    Ok(())
}

fn slow(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    let web = site.web(&[("SENTRY_LDAP_TIMEOUT", "1")])?;
    web.lets_in("ada")?;
    site.ldap.pause()?;
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::scope(|scope| -> Result<()> {
        scope.spawn(|| sender.send((web.login("ada", SECRET), web.login(ADMIN, PASSWORD))));
        let (slow, local) = receiver.recv_timeout(PATIENCE).context("an answer while the directory says nothing")?;
        let (slow, local) = (slow?, local?);
        ensure!(slow.status == 503, "who is only there is told that it is away: {}", slow.status);
        ensure!(local.status == 303, "who has a password of ours is let in: {}", local.status);
        Ok(())
    })?;
    site.ldap.resume()?;
    web.lets_in("ada").map(|_| ())
}

fn dies(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    site.ldap.load(&super::group("admins", &["ada"]))?;
    // After so many bytes of the server the connection is cut: in the middle of the bind, the search, the groups.
    let whole = Counted::start(site.ldap.port)?;
    let uri = format!("ldap://127.0.0.1:{}", whole.port);
    site.web(&[("SENTRY_LDAP_SERVER_URI", &uri), GROUPED])?.lets_in("ada")?;
    let all = whole.received();
    ensure!(all > 50, "only {all} bytes came");
    for most in [0, 7, all / 3, all / 2, all - 20] {
        let cut = Counted::cut(site.ldap.port, most)?;
        let uri = format!("ldap://127.0.0.1:{}", cut.port);
        let web = site.web(&[("SENTRY_LDAP_SERVER_URI", &uri), GROUPED])?;
        let answer = web.login("ada", SECRET)?;
        ensure!(answer.status == 503, "cut after {most} of {all} bytes: {}", answer.status);
        ensure!(
            site.platform.sql("select count(*) from sign_in_attempts where subject like 'account%'")? == "0",
            "it counts as nobody's failure"
        );
    }
    // Killed and started again, it is asked again: no connection is kept.
    let web = site.web(&[])?;
    web.lets_in("ada")?;
    site.ldap.stop();
    ensure!(web.login("ada", SECRET)?.status == 503, "it is away");
    site.ldap.restart()?;
    web.lets_in("ada").map(|_| ())
}

fn referrals(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    let elsewhere = Counted::start(site.ldap.port)?;
    site.ldap.load(&format!(
        "dn: ou=elsewhere,{PEOPLE}\nobjectClass: referral\nobjectClass: extensibleObject\nou: elsewhere\nref: ldap://127.0.0.1:{}/{PEOPLE}??sub\n",
        elsewhere.port
    ))?;
    let web = site.web(&[])?;
    web.lets_in("ada")?;
    web.keeps_out("nobody", SECRET)?;
    let below = format!("ou=elsewhere,{PEOPLE}");
    let led = site.web(&[("SENTRY_LDAP_USER_SEARCH_BASE", &below)])?;
    ensure!(led.login("ada", SECRET)?.status == 503, "a base that is elsewhere is no directory");
    ensure!(elsewhere.connections() == 0, "the other server was asked, perhaps with a password");
    Ok(())
}

/// A way to a server that counts what comes from it, and may cut it off.
pub struct Counted {
    pub port: u16,
    received: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl Counted {
    pub fn start(target: u16) -> Result<Counted> {
        Counted::cut(target, usize::MAX)
    }

    /// Each connection ends after so many bytes from the server.
    pub fn cut(target: u16, most: usize) -> Result<Counted> {
        let listener = TcpListener::bind((LOOPBACK, 0))?;
        let port = listener.local_addr()?.port();
        let (received, connections) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (bytes, count) = (Arc::clone(&received), Arc::clone(&connections));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::Relaxed);
                let Ok(server) = TcpStream::connect((LOOPBACK, target)) else { continue };
                let bytes = Arc::clone(&bytes);
                thread::spawn(move || pass(&client, &server, (most, &bytes)));
            }
        });
        Ok(Counted { port, received, connections })
    }

    pub fn received(&self) -> usize {
        self.received.load(Ordering::Relaxed)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

fn pass(client: &TcpStream, server: &TcpStream, (most, bytes): (usize, &AtomicUsize)) {
    thread::scope(|scope| {
        scope.spawn(|| {
            let (mut from, mut to) = (client, server);
            let _ = std::io::copy(&mut from, &mut to);
            let _ = server.shutdown(Shutdown::Both);
        });
        let (mut from, mut to) = (server, client);
        let mut buffer = [0; 4096];
        let mut left = most;
        while let Ok(count) = from.read(&mut buffer) {
            bytes.fetch_add(count, Ordering::Relaxed);
            let passed = count.min(left);
            left -= passed;
            if count == 0 || to.write_all(&buffer[..passed]).is_err() || left == 0 {
                break;
            }
        }
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
    });
}
