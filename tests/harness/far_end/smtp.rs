//! An SMTP server with moods: it asks a sender to come again later, or dies in the middle of a mail.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use anyhow::Result;

/// What it does with the next mail; then it takes all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// `451`, as a greylisting server says to whom it does not know.
    ComeAgain,
    /// The connection is gone before it has said that it has the mail.
    Dies,
    /// `550`: no such person.
    NoSuchPerson,
}

/// A running server, and what it took.
pub struct Moody {
    pub port: u16,
    memory: Arc<Mutex<Memory>>,
}

#[derive(Default)]
struct Memory {
    moods: Vec<Mood>,
    mails: Vec<String>,
    tried: usize,
}

impl Moody {
    /// Starts it with its moods in their order.
    pub fn start(moods: &[Mood]) -> Result<Moody> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let moods = moods.iter().rev().copied().collect();
        let memory = Arc::new(Mutex::new(Memory { moods, ..Memory::default() }));
        let shared = memory.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let memory = shared.clone();
                thread::spawn(move || talk(stream, &memory));
            }
        });
        Ok(Moody { port, memory })
    }

    /// The mails it took, headers and all.
    pub fn mails(&self) -> Vec<String> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).mails.clone()
    }

    /// How often somebody came to the end of a mail, or was sent away before.
    pub fn tried(&self) -> usize {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).tried
    }
}

/// One connection.
fn talk(stream: TcpStream, memory: &Mutex<Memory>) -> Option<()> {
    let mut writer = stream.try_clone().ok()?;
    let mut lines = BufReader::new(stream).lines();
    let mut say = |line: &str| writer.write_all(format!("{line}\r\n").as_bytes()).ok();
    say("220 moody")?;
    while let Some(Ok(line)) = lines.next() {
        let command = line.to_uppercase();
        if command.starts_with("RCPT") {
            let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
            match memory.moods.last() {
                Some(Mood::ComeAgain) => {
                    memory.moods.pop();
                    memory.tried += 1;
                    say("451 4.7.1 come again in a while")?;
                }
                Some(Mood::NoSuchPerson) => {
                    memory.moods.pop();
                    memory.tried += 1;
                    say("550 5.1.1 no such person here")?;
                }
                _ => say("250 ok")?,
            }
        } else if command.starts_with("DATA") {
            say("354 go on")?;
            let mail: Vec<String> = lines.by_ref().map_while(Result::ok).take_while(|line| line != ".").collect();
            let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
            memory.tried += 1;
            memory.mails.push(mail.join("\n"));
            if memory.moods.last() == Some(&Mood::Dies) {
                memory.moods.pop();
                return None;
            }
            say("250 taken")?;
        } else if command.starts_with("QUIT") {
            say("221 bye")?;
            return None;
        } else {
            say("250 ok")?;
        }
    }
    None
}
