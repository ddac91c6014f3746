//! What people ask about a stream: how it stands, what was set aside, and to try that again.

use anyhow::{Context, Result};
use chrono::DateTime;
use redis::{
    AsyncCommands, FromRedisValue,
    streams::{StreamId, StreamRangeReply},
};

use super::{RedisQueue, in_time, message};
use crate::queue::{Backlog, Buried, Topic};

/// Messages tried again at a time.
const AT_A_TIME: usize = 100;

/// The stream of what was set aside.
pub(super) fn key(topic: Topic) -> String {
    format!("{}:dead", super::key(topic))
}

impl RedisQueue {
    pub(in crate::queue) async fn backlog(&self, topic: Topic) -> Result<Backlog> {
        let mut pipe = redis::pipe();
        pipe.xlen(super::key(topic)).xlen(key(topic)).xrange_count(super::key(topic), "-", "+", 1);
        let mut connection = self.connection();
        let (waiting, buried, first): (u64, u64, StreamRangeReply) = in_time(pipe.query_async(&mut connection)).await?;
        Ok(Backlog { waiting, oldest: first.ids.first().and_then(came), buried })
    }

    pub(in crate::queue) async fn buried(&self, topic: Topic, most: usize) -> Result<Vec<Buried>> {
        let mut connection = self.connection();
        let found: StreamRangeReply = in_time(connection.xrevrange_count(key(topic), "+", "-", most)).await?;
        let buried = |entry: StreamId| {
            let reason = entry.map.get("reason").and_then(|reason| String::from_redis_value_ref(reason).ok());
            let at = came(&entry);
            Ok(Buried { at, reason: reason.unwrap_or_default(), bytes: message(entry)?.body.len() })
        };
        found.ids.into_iter().map(buried).collect()
    }

    pub(in crate::queue) async fn dig_up(&self, topic: Topic) -> Result<u64> {
        let mut connection = self.connection();
        // What is set aside again meanwhile comes behind it.
        let mut left: u64 = in_time(connection.xlen(key(topic))).await?;
        let mut dug_up = 0;
        while left > 0 {
            let found: StreamRangeReply = in_time(connection.xrange_count(key(topic), "-", "+", AT_A_TIME)).await?;
            if found.ids.is_empty() {
                break;
            }
            let number = found.ids.len() as u64;
            let mut pipe = redis::pipe();
            pipe.atomic();
            for entry in found.ids {
                pipe.xdel(key(topic), &[&entry.id]).ignore();
                pipe.add_command(super::add(topic, &message(entry)?.body)).ignore();
            }
            in_time(pipe.exec_async(&mut connection)).await.context("trying messages again")?;
            left = left.saturating_sub(number);
            dug_up += number;
        }
        Ok(dug_up)
    }

    pub(in crate::queue) async fn version(&self) -> Result<String> {
        let mut connection = self.connection();
        let info: String = in_time(redis::cmd("INFO").arg("server").query_async(&mut connection)).await?;
        let version = info.lines().find_map(|line| line.strip_prefix("redis_version:"));
        Ok(version.unwrap_or_default().trim().to_owned())
    }
}

/// When an entry was added: a stream's ids begin with it, in milliseconds.
fn came(entry: &StreamId) -> Option<DateTime<chrono::Utc>> {
    entry.id.split('-').next()?.parse().ok().and_then(DateTime::from_timestamp_millis)
}
