//! Looks into the spools of this machine without touching them.

use std::path::{Path, PathBuf};

use redb::{DatabaseError, ReadOnlyDatabase, ReadableDatabase, ReadableTable, ReadableTableMetadata};

use super::{Spool, Topic, table};

/// A spool, as far as it can be seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// A running process holds it; its size on disk, in bytes.
    Held { size: u64 },
    /// Nobody holds it.
    Left { messages: u64, bytes: u64 },
    /// It cannot be read, and why.
    Broken(String),
}

/// Every spool in a folder and those below it that processes keep for when Redis is away.
pub fn look(folder: &Path) -> Vec<(PathBuf, Look)> {
    let below =
        std::fs::read_dir(folder.join("overflow")).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<PathBuf> =
        [folder.to_path_buf()].into_iter().chain(below).map(|folder| folder.join(Spool::FILE)).collect();
    files.retain(|file| file.exists());
    files.sort();
    files.into_iter().map(|file| (file.clone(), look_into(&file))).collect()
}

fn look_into(file: &Path) -> Look {
    match ReadOnlyDatabase::open(file) {
        Ok(db) => count(&db).unwrap_or_else(|error| Look::Broken(error.to_string())),
        Err(DatabaseError::DatabaseAlreadyOpen) => {
            Look::Held { size: std::fs::metadata(file).map_or(0, |file| file.len()) }
        }
        Err(DatabaseError::RepairAborted) => {
            Look::Broken("it was not closed in order; the next process that opens it repairs it".to_owned())
        }
        Err(error) => Look::Broken(error.to_string()),
    }
}

fn count(db: &ReadOnlyDatabase) -> Result<Look, redb::Error> {
    let read = db.begin_read()?;
    let (mut messages, mut bytes) = (0, 0);
    for topic in Topic::ALL {
        let table = read.open_table(table(topic))?;
        messages += table.len()?;
        for entry in table.iter()? {
            bytes += entry?.1.value().len() as u64;
        }
    }
    Ok(Look::Left { messages, bytes })
}
