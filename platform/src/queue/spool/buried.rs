//! What people ask about the spool: how it stands, what was set aside, and to try that again.

use anyhow::Result;
use redb::{ReadableDatabase, ReadableTable, WriteTransaction};

use super::{Change, DEAD, Spool, table};
use crate::queue::{Backlog, Buried, Topic};

impl Spool {
    pub(in crate::queue) fn backlog(&self, topic: Topic) -> Result<Backlog> {
        let buried = self.buried(topic, usize::MAX)?.len() as u64;
        Ok(Backlog { waiting: self.depth(topic)?, oldest: None, buried })
    }

    pub(in crate::queue) fn buried(&self, topic: Topic, most: usize) -> Result<Vec<Buried>> {
        self.file.with(|db| {
            let mut found = Vec::new();
            for entry in db.begin_read()?.open_table(DEAD)?.iter()?.rev() {
                let (_, entry) = entry?;
                let (name, reason, body) = entry.value();
                if name == topic.name() && found.len() < most {
                    found.push(Buried { at: None, reason: reason.to_owned(), bytes: body.len() });
                }
            }
            Ok(found)
        })
    }

    pub(in crate::queue) async fn dig_up(&self, topic: Topic) -> Result<u64> {
        let number = self.backlog(topic)?.buried;
        if number > 0 {
            self.ask(Change::DigUp { topic }).await?;
        }
        Ok(number)
    }
}

/// Gives every message of a topic that was set aside a new number among those that wait, and returns how many bytes they are.
pub(super) fn dig_up(write: &WriteTransaction, topic: Topic, next: &mut u64) -> Result<u64> {
    let (mut dead, mut waiting) = (write.open_table(DEAD)?, write.open_table(table(topic))?);
    let mut bytes = 0;
    for entry in dead.extract_if(|_, (name, _, _)| name == topic.name())? {
        let (_, entry) = entry?;
        let (_, _, body) = entry.value();
        waiting.insert(*next, body)?;
        *next += 1;
        bytes += body.len() as u64;
    }
    Ok(bytes)
}
