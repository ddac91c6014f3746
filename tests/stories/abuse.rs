//! Clients that mean harm or are broken, and what others notice of them: nothing.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
};

use anyhow::{Context, Result, ensure};
use harness::net::wait_for;
use nix::sys::{
    resource::{Resource, getrlimit, setrlimit},
    signal::Signal,
};

use crate::{
    Story,
    platform::{Platform, Project, SOON, World, error},
};

pub const STORIES: &[Story] = &[
    Story {
        name: "a_thousand_slow_and_silent_clients_do_not_hold_up_others",
        run: a_thousand_slow_clients_do_not_hold_up_others,
    },
    Story {
        name: "where_every_seat_is_taken_the_client_that_was_silent_longest_leaves",
        run: the_client_that_was_silent_longest_leaves,
    },
    Story { name: "a_flood_of_headers_is_answered_431", run: a_flood_of_headers_is_answered_431 },
    Story {
        name: "large_bodies_that_never_end_give_way_to_others",
        run: large_bodies_that_never_end_give_way_to_others,
    },
    Story {
        name: "a_request_under_way_is_answered_although_web_is_told_to_stop",
        run: a_request_under_way_is_answered,
    },
];

const MIB: usize = 1 << 20;

/// A client that speaks for itself.
struct Client(TcpStream);

impl Client {
    fn connect(platform: &Platform) -> Result<Client> {
        let stream = TcpStream::connect(platform.url.trim_start_matches("http://"))?;
        stream.set_read_timeout(Some(SOON))?;
        Ok(Client(stream))
    }

    fn says(platform: &Platform, text: &str) -> Result<Client> {
        let mut client = Client::connect(platform)?;
        client.0.write_all(text.as_bytes())?;
        Ok(client)
    }

    /// The status it is answered; none where the connection is closed without an answer.
    fn answered(&mut self) -> Result<Option<u16>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match self.0.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Err(error).context("waiting for an answer");
                }
                _ => return Ok(None),
            }
        }
        Ok(Some(std::str::from_utf8(&head[9..12])?.parse().context("no status")?))
    }
}

/// A client whose request web has begun to answer, and whose body it waits for.
fn under_way(platform: &Platform, project: &Project, length: usize) -> Result<Client> {
    let head = head(project, length).replace("Host", "Expect: 100-continue\r\nHost");
    let mut client = Client::says(platform, &head)?;
    ensure!(client.answered()? == Some(100), "web asks for the body");
    Ok(client)
}

fn head(project: &Project, length: usize) -> String {
    let path = format!("/api/{}/envelope/?sentry_key={}", project.id, project.key);
    format!("POST {path} HTTP/1.1\r\nHost: picket\r\nContent-Length: {length}\r\n\r\n")
}

/// Clients of a story are files of its process, too.
fn allow_many_files() -> Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}

fn a_thousand_slow_clients_do_not_hold_up_others(world: &World) -> Result<()> {
    allow_many_files()?;
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let part_of_a_body = head(&shop, MIB) + &"x".repeat(16 << 10);
    let ways = ["", "POST /api/1/envelope/ HTTP/1.1\r\nHost: pic", &head(&shop, 1_000), &part_of_a_body];
    let mut clients = Vec::new();
    for way in ways {
        for _ in 0..250 {
            clients.push(Client::says(&platform, way)?);
        }
    }
    for (number, client) in clients.iter_mut().enumerate() {
        // A little more of each, while others send events.
        let _ = client.0.write_all(b"x");
        if number % 50 == 0 {
            platform.receives(&shop, &error("Gone", "meanwhile"))?;
        }
    }
    platform.stores(20)?;
    let memory = crate::edge::peak(platform.web.pid()?)?;
    ensure!(memory < 150 << 20, "they made web take {} MB", memory >> 20);
    Ok(())
}

fn the_client_that_was_silent_longest_leaves(world: &World) -> Result<()> {
    let platform = Platform::start_set(world, &[("SENTRY_WEB_MAX_CONNECTIONS", "20")])?;
    let shop = platform.project("shop")?;
    let mut busy = under_way(&platform, &shop, 3)?;
    let mut silent = (0..60).map(|_| Client::connect(&platform)).collect::<Result<Vec<_>>>()?;
    // A connection of its own: one that was idle before might just be leaving.
    let event = format!("{{}}\n{{\"type\":\"event\"}}\n{}", error("Gone", "item"));
    let sent = Client::says(&platform, &(head(&shop, event.len()) + &event))?.answered()?;
    ensure!(sent == Some(200), "the next to come has a seat");
    ensure!(silent[0].answered()?.is_none(), "the first to come was closed");
    busy.0.write_all(b"{}\n")?;
    ensure!(busy.answered()? == Some(200), "who sends is not cut off");
    let last = silent.last_mut().context("there is a last one")?;
    last.0.write_all((head(&shop, 3) + "{}\n").as_bytes())?;
    ensure!(last.answered()? == Some(200), "the last to come still has its seat");
    platform.stores(1)
}

fn a_flood_of_headers_is_answered_431(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let flood = |flood: &str| head(&shop, 3).replace("Host", &format!("{flood}\r\nHost"));
    let many = flood("X-Noise: noise\r\n".repeat(200).trim_end());
    ensure!(Client::says(&platform, &many)?.answered()? == Some(431), "200 headers are too many");
    let mut large = Client::connect(&platform)?;
    let _ = large.0.write_all(flood(&format!("X-Noise: {}", "x".repeat(200 << 10))).as_bytes());
    // Who still writes when the connection is closed may not get to see the answer.
    let answered = large.answered()?;
    ensure!(matches!(answered, Some(431) | None), "200 KB of headers are too much, but it was answered {answered:?}");
    // It never ends, and is cut off.
    let mut endless = Client::says(&platform, "GET / HTTP/1.1\r\n")?;
    let line = "X-Noise: noise\r\n".repeat(1_000);
    wait_for("the end of an endless head", SOON, || endless.0.write_all(line.as_bytes()).is_err())?;
    platform.receives(&shop, &error("Gone", "item"))?;
    platform.stores(1)
}

fn large_bodies_that_never_end_give_way_to_others(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let start = "{}\n{\"type\":\"attachment\"}\n".to_owned() + &"x".repeat(18 * MIB);
    let large = || {
        let mut client = Client::says(&platform, &head(&shop, 20 * MIB))?;
        client.0.write_all(start.as_bytes())?;
        Ok(client)
    };
    // Three of them fit into the memory there is for bodies, and nothing more than a little.
    let mut clients = (0..3).map(|_| large()).collect::<Result<Vec<_>>>()?;
    let mut fourth = large()?;
    ensure!(clients[0].answered()? == Some(408), "the first has been arriving longest");
    for _ in 0..20 {
        platform.receives(&shop, &error("Gone", "meanwhile"))?;
    }
    fourth.0.write_all("x".repeat(20 * MIB - start.len()).as_bytes())?;
    ensure!(fourth.answered()? == Some(200), "who goes on sending is answered");
    platform.stores(20)
}

fn a_request_under_way_is_answered(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let _silent = Client::says(&platform, "GET / HT")?;
    let _idle = Client::connect(&platform)?;
    let mut busy = under_way(&platform, &shop, 3)?;
    platform.web.signal(Signal::SIGTERM)?;
    wait_for("web to take no more connections", SOON, || Client::connect(&platform).is_err())?;
    busy.0.write_all(b"{}\n")?;
    ensure!(busy.answered()? == Some(200), "what was under way is finished");
    let ended = platform.web.wait(SOON)?;
    ensure!(ended.success(), "it ended with {ended}: {}", platform.web.last_words());
    ensure!(!platform.web.last_words().contains("were not finished"), "silent clients do not hold it up");
    Ok(())
}
