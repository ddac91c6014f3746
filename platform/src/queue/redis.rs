//! Redis Streams: a stream and one consumer group per topic.
//!
//! Pushes of many requests share one multiplexed connection for each thread that answers some, so `XADD`s travel in pipelines by
//! themselves and no thread wakes another. A reader has a connection of its own, because a blocking `XREADGROUP` would hold up everybody on a shared one. Acknowledged entries are
//! deleted, so the stream's length is the backlog.

mod buried;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use redis::{
    AsyncCommands, Client, ClientTlsConfig, Cmd, ConnectionAddr, ConnectionInfo, FromRedisValue, IntoConnectionInfo,
    RedisConnectionInfo, RedisError, TlsCertificates, Value,
    aio::{ConnectionManager, ConnectionManagerConfig},
    streams::{StreamPendingCountReply, StreamRangeReply, StreamReadOptions, StreamReadReply},
};
use secrecy::ExposeSecret;

use super::{Message, MessageId, Topic, Wait};
use crate::{
    config::{self, Config, read_pem},
    crew,
};

const GROUP: &str = "workers";
const FIELD: &str = "m";
/// How long a read waits for messages, and so how long a stop may take when there are none.
const READ_WAIT: Duration = Duration::from_millis(500);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// What an `XADD` takes besides the message, in bytes.
const USUAL_ARGUMENTS: usize = 32;

/// The producing side, cheap to clone.
#[derive(Clone)]
pub struct RedisQueue {
    client: Client,
    /// By seat in the crew.
    connections: Arc<[ConnectionManager]>,
    reclaim_after: Duration,
}

impl RedisQueue {
    /// Prepares connections, each of which is made at first use and made again when it breaks.
    pub fn open(config: &Config) -> Result<RedisQueue> {
        let client = client(&config.redis, connection_info(&config.redis)?)?;
        // Who pushes has a patience of its own: see `patience`.
        let connections = (0..=crew::size()).map(|_| connect(&client, None)).collect::<Result<_>>()?;
        Ok(RedisQueue { client, connections, reclaim_after: config.queue.reclaim_after() })
    }

    /// Returns when every message is in; how long that may take is up to the caller.
    pub(super) async fn push(&self, messages: &[(Topic, Bytes)]) -> Result<(), RedisError> {
        let mut connection = self.connection();
        if let [(topic, body)] = messages {
            return add(*topic, body).exec_async(&mut connection).await;
        }
        let mut pipe = redis::pipe();
        for (topic, body) in messages {
            pipe.add_command(add(*topic, body));
        }
        pipe.exec_async(&mut connection).await
    }

    /// The same, for whoever is in no hurry.
    pub(super) async fn push_patiently(&self, messages: &[(Topic, Bytes)]) -> Result<()> {
        in_time(self.push(messages)).await
    }

    pub(super) async fn depth(&self, topic: Topic) -> Result<u64> {
        in_time(self.connection().xlen(key(topic))).await
    }

    /// This thread's. For callers who limit how long they wait: this connection does not.
    pub(super) fn connection(&self) -> ConnectionManager {
        self.connections[crew::seat() % self.connections.len()].clone()
    }

    /// The memory that waiting messages take.
    pub(super) async fn bytes(&self) -> Result<u64> {
        let mut pipe = redis::pipe();
        for topic in Topic::ALL {
            pipe.cmd("MEMORY").arg("USAGE").arg(key(topic));
        }
        let mut connection = self.connection();
        let sizes: Vec<Option<u64>> = in_time(pipe.query_async(&mut connection)).await?;
        Ok(sizes.into_iter().flatten().sum())
    }

    /// One round trip, for readiness.
    pub async fn ping(&self) -> Result<()> {
        in_time(redis::cmd("PING").exec_async(&mut self.connection())).await
    }

    pub(super) async fn consumer(&self, topic: Topic) -> Result<Reader> {
        let connection = connect(&self.client, Some(ANSWER_TIMEOUT + READ_WAIT))?;
        let mut reader = Reader {
            connection,
            topic,
            name: format!("{}-{}", std::process::id(), uuid::Uuid::new_v4().simple()),
            reclaim_after: self.reclaim_after,
            reclaimed_at: None,
        };
        reader.make_group().await?;
        Ok(reader)
    }
}

/// One member of the consumer group.
pub struct Reader {
    connection: ConnectionManager,
    topic: Topic,
    name: String,
    reclaim_after: Duration,
    reclaimed_at: Option<Instant>,
}

impl Reader {
    pub(super) async fn take(&mut self, most: usize, wait: Wait) -> Result<Vec<Message>> {
        if wait == Wait::ALittle && self.reclaimed_at.is_none_or(|at| at.elapsed() > self.reclaim_after / 2) {
            let reclaimed = self.reclaim(most).await?;
            if !reclaimed.is_empty() {
                return Ok(reclaimed);
            }
            self.reclaimed_at = Some(Instant::now());
        }
        let options = StreamReadOptions::default().group(GROUP, &self.name).count(most);
        let options = match wait {
            Wait::ALittle => options.block(usize::try_from(READ_WAIT.as_millis())?),
            Wait::NotAtAll => options,
        };
        let reply: Result<Option<StreamReadReply>, _> =
            self.connection.xread_options(&[key(self.topic)], &[">"], &options).await;
        match reply {
            Ok(None) => Ok(Vec::new()),
            Ok(Some(reply)) => reply.keys.into_iter().flat_map(|stream| stream.ids).map(message).collect(),
            // Redis came back empty (a flush, a restore): start the group again rather than fail for ever.
            Err(error) if error.code() == Some("NOGROUP") => {
                self.make_group().await?;
                Ok(Vec::new())
            }
            Err(error) => Err(error).context("reading from the stream"),
        }
    }

    pub(super) async fn done(&mut self, ids: &[MessageId]) -> Result<()> {
        let ids: Vec<&str> = ids.iter().map(|id| id.0.as_str()).collect();
        let mut pipe = redis::pipe();
        pipe.cmd("XACK").arg(key(self.topic)).arg(GROUP).arg(&ids).ignore();
        pipe.cmd("XDEL").arg(key(self.topic)).arg(&ids).ignore();
        pipe.query_async::<()>(&mut self.connection).await.context("acknowledging a batch")
    }

    /// `IDLE` makes the messages look forgotten, so that the next reader takes them over at once.
    pub(super) async fn hand_back(&mut self, ids: &[MessageId]) -> Result<()> {
        let ids: Vec<&str> = ids.iter().map(|id| id.0.as_str()).collect();
        let idle = u64::try_from(self.reclaim_after.as_millis())?;
        redis::cmd("XCLAIM")
            .arg(key(self.topic))
            .arg((GROUP, &self.name, 0))
            .arg(&ids)
            .arg(("IDLE", idle, "RETRYCOUNT", 0, "JUSTID"))
            .exec_async(&mut self.connection)
            .await
            .context("handing a batch back")
    }

    pub(super) async fn bury(&mut self, message: &Message, reason: &str) -> Result<()> {
        let dead = buried::key(self.topic);
        let fields: [(&str, &[u8]); 2] = [(FIELD, &message.body), ("reason", reason.as_bytes())];
        let _: Option<String> = self.connection.xadd(dead, "*", &fields).await.context("burying a message")?;
        self.done(std::slice::from_ref(&message.id)).await
    }

    async fn make_group(&mut self) -> Result<()> {
        let made: Result<(), _> = self.connection.xgroup_create_mkstream(key(self.topic), GROUP, "0").await;
        match made {
            Err(error) if error.code() != Some("BUSYGROUP") => Err(error).context("creating the consumer group"),
            _ => Ok(()),
        }
    }

    /// Takes over what a silent worker had taken; buries what has been taken too often.
    async fn reclaim(&mut self, most: usize) -> Result<Vec<Message>> {
        let idle = u64::try_from(self.reclaim_after.as_millis())?;
        let pending: StreamPendingCountReply = redis::cmd("XPENDING")
            .arg(key(self.topic))
            .arg(GROUP)
            .arg("IDLE")
            .arg(idle)
            .arg(("-", "+", most))
            .query_async(&mut self.connection)
            .await
            .context("asking for messages of silent workers")?;
        if pending.ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<&str> = pending.ids.iter().map(|entry| entry.id.as_str()).collect();
        let claimed: StreamRangeReply = redis::cmd("XCLAIM")
            .arg(key(self.topic))
            .arg((GROUP, &self.name, idle))
            .arg(&ids)
            .query_async(&mut self.connection)
            .await
            .context("taking over messages of silent workers")?;
        let most_deliveries = self.topic.most_deliveries();
        let tired = |id: &str| pending.ids.iter().any(|e| e.id == id && e.times_delivered >= most_deliveries);
        let mut fresh = Vec::new();
        for message in claimed.ids.into_iter().map(message).collect::<Result<Vec<_>>>()? {
            if tired(&message.id.0) {
                self.bury(&message, "taken too often without ever being finished").await?;
            } else {
                fresh.push(message);
            }
        }
        Ok(fresh)
    }
}

fn message(mut entry: redis::streams::StreamId) -> Result<Message> {
    let body = match entry.map.remove(FIELD) {
        Some(value @ Value::BulkString(_)) => Vec::<u8>::from_redis_value(value).context("reading a stream entry")?,
        _ => Vec::new(),
    };
    Ok(Message { id: MessageId(entry.id), body: body.into() })
}

fn key(topic: Topic) -> String {
    format!("picket:{}", topic.name())
}

fn add(topic: Topic, body: &[u8]) -> Cmd {
    let mut add = Cmd::with_capacity(5, USUAL_ARGUMENTS + body.len());
    add.arg("XADD").arg(key(topic)).arg("*").arg(FIELD).arg(body);
    add
}

async fn in_time<T>(answer: impl Future<Output = Result<T, RedisError>>) -> Result<T> {
    match tokio::time::timeout(ANSWER_TIMEOUT, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => bail!("no answer within {ANSWER_TIMEOUT:?}"),
    }
}

fn connect(client: &Client, answer_timeout: Option<Duration>) -> Result<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(answer_timeout)
        .set_number_of_retries(1);
    ConnectionManager::new_lazy_with_config(client.clone(), config).context("preparing the connection to Redis")
}

/// A client of this connection, with the certificates that the settings name.
pub fn client(config: &config::Redis, connection: ConnectionInfo) -> Result<Client> {
    let root_cert = read_pem("SENTRY_REDIS_TLS_CA", config.tls_ca.as_ref())?;
    let certificate = read_pem("SENTRY_REDIS_TLS_CERT", config.tls_cert.as_ref())?;
    let client_tls = match (certificate, read_pem("SENTRY_REDIS_TLS_KEY", config.tls_key.as_ref())?) {
        (Some(client_cert), Some(client_key)) => Some(ClientTlsConfig { client_cert, client_key }),
        (None, None) => None,
        _ => bail!("SENTRY_REDIS_TLS_CERT and SENTRY_REDIS_TLS_KEY belong together: set both or none"),
    };
    let made = if config.tls && (root_cert.is_some() || client_tls.is_some()) {
        Client::build_with_tls(connection, TlsCertificates { client_tls, root_cert })
    } else {
        Client::open(connection)
    };
    made.context("reading the Redis settings")
}

/// The address and credentials in the form the client wants them.
pub fn connection_info(config: &config::Redis) -> Result<ConnectionInfo> {
    let host = config.host.clone();
    let address = if config.tls {
        ConnectionAddr::TcpTls { host, port: config.port, insecure: false, tls_params: None }
    } else {
        ConnectionAddr::Tcp(host, config.port)
    };
    let mut redis = RedisConnectionInfo::default().set_db(config.db);
    if let Some(password) = config.password()? {
        redis = redis.set_password(password.expose_secret());
    }
    Ok(address.into_connection_info()?.set_redis_settings(redis))
}
