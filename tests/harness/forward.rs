//! A way from this machine's loopback into a network namespace, for a browser or an SDK outside it.
//!
//! The listener is made where the caller is; each connection gets a thread that enters the namespace and connects
//! there, since a socket stays where it was made. TCP only.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::net::{LOOPBACK, Place};

/// A forwarded port; it stops taking connections when dropped.
#[derive(Debug)]
pub struct Forward {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
}

impl Forward {
    /// Forwards a free loopback port.
    pub fn start(place: &Place, target: SocketAddr) -> Result<Self> {
        Self::start_on(0, place, target)
    }

    /// Forwards this loopback port.
    pub fn start_on(port: u16, place: &Place, target: SocketAddr) -> Result<Self> {
        let listener =
            TcpListener::bind((LOOPBACK, port)).with_context(|| format!("listening on {LOOPBACK}:{port}"))?;
        let address = listener.local_addr()?;
        let stopping = Arc::new(AtomicBool::new(false));
        let (place, stop) = (place.clone(), Arc::clone(&stopping));
        thread::spawn(move || accept(&listener, &place, target, &stop));
        Ok(Self { address, stopping })
    }

    /// Where to connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same, as the URL of a web server.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

fn accept(listener: &TcpListener, place: &Place, target: SocketAddr, stop: &AtomicBool) {
    for client in listener.incoming() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let Ok(client) = client else { continue };
        let place = place.clone();
        thread::spawn(move || {
            // A target that is away looks to the client as it would without us: a connection that closes.
            let connect = || TcpStream::connect_timeout(&target, Duration::from_secs(10));
            if let Ok(Ok(server)) = place.run(connect) {
                let _ = join(&client, &server);
            }
        });
    }
}

fn join(client: &TcpStream, server: &TcpStream) -> io::Result<()> {
    thread::scope(|scope| {
        scope.spawn(|| copy(client, server));
        copy(server, client)
    })
}

fn copy(mut from: &TcpStream, mut to: &TcpStream) -> io::Result<()> {
    let copied = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
    copied.map(drop)
}
