//! The database: reachable, encrypted as asked, lets us in, new enough, writable, and lets us create tables.

use std::{path::Path, time::Duration};

use sqlx::{ConnectOptions, Connection, PgConnection};

use super::{
    Finding, Reason,
    reach::{classify_io, classify_tls, find, reach, reach_socket},
};
use crate::{app::connect_options, config::Postgres};

/// How long the server may take to let us in and answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
const HOST: &str = "SENTRY_POSTGRES_HOST";
/// `server_version_num` of the oldest release we run on.
const OLDEST: i32 = 140_000;

/// Connects as the platform would, and asks the server about itself.
pub async fn probe(config: &Postgres) -> Finding {
    let place = format!("{} on {}:{}", config.name, config.host, config.port);
    let reached = if config.host.starts_with('/') {
        reach_socket(&Path::new(&config.host).join(format!(".s.PGSQL.{}", config.port)), HOST).await
    } else {
        reach(&config.host, config.port, HOST).await
    };
    if let Err(finding) = reached {
        return finding;
    }
    let options = match connect_options(config) {
        Ok(options) => options,
        Err(error) => return Finding::new(Reason::SettingsInvalid, format!("{error:#}")),
    };
    let asked = tokio::time::timeout(ANSWER_TIMEOUT, async {
        let mut connection = options.connect().await?;
        let server = ask(&mut connection).await;
        // The answers are in; how the connection ends changes nothing.
        let _ = connection.close().await;
        server
    });
    match asked.await {
        Ok(Ok(server)) => judge(&server, &config.user, &place),
        Ok(Err(error)) => {
            let reason = match classify(&error) {
                // No TLS can be spoken over a socket: whatever the rule says, it lets nobody like us in.
                Reason::TlsRequiredByServer if config.host.starts_with('/') => Reason::AuthenticationFailed,
                reason => reason,
            };
            Finding::new(reason, format!("{place}: {}: {}", words(&error), advice(reason)))
        }
        Err(_) => {
            let reason = Reason::ConnectTimeout;
            Finding::new(reason, format!("{place}: {}", advice(reason)))
        }
    }
}

/// What the server or the driver said, without the driver's own preface.
fn words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(refusal) => refusal.message().to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        sqlx::Error::Tls(error) => error.to_string(),
        error => error.to_string(),
    }
}

/// What the server says about itself.
struct Server {
    version: i32,
    version_text: String,
    read_only: bool,
    /// The schema new tables go to; none when nothing on the search path exists.
    schema: Option<String>,
    may_create: bool,
}

async fn ask(connection: &mut PgConnection) -> sqlx::Result<Server> {
    let (version, version_text, read_only, schema, may_create) = sqlx::query_as(
        "select current_setting('server_version_num')::int, current_setting('server_version'),
                pg_is_in_recovery() or current_setting('transaction_read_only')::bool, current_schema()::text,
                coalesce(has_schema_privilege(current_schema(), 'create'), false)",
    )
    .fetch_one(connection)
    .await?;
    Ok(Server { version, version_text, read_only, schema, may_create })
}

fn judge(server: &Server, user: &str, place: &str) -> Finding {
    if server.version < OLDEST {
        let message = format!("{place} is PostgreSQL {}: upgrade it to 14 or newer", server.version_text);
        return Finding::new(Reason::VersionUnsupported, message);
    }
    if server.read_only {
        let message = format!("{place} takes no writes: point {HOST} at the primary, or end its read-only mode");
        return Finding::new(Reason::ReadOnlyReplica, message);
    }
    if !server.may_create {
        let (what, grant) = match &server.schema {
            Some(schema) => {
                (format!("in the schema {schema}"), format!("grant usage, create on schema {schema} to \"{user}\""))
            }
            None => ("in any schema of its search path".to_owned(), format!("create schema authorization \"{user}\"")),
        };
        let message = format!("{place}: {user} may not create tables {what}: as the database's owner, run: {grant}");
        return Finding::new(Reason::PrivilegeMissing, message);
    }
    Finding::new(Reason::Connected, format!("{place} as {user} (PostgreSQL {})", server.version_text))
}

/// The reason behind a driver's error.
fn classify(error: &sqlx::Error) -> Reason {
    match error {
        sqlx::Error::Database(refusal) => classify_refusal(refusal.code().as_deref(), refusal.message()),
        sqlx::Error::Io(error) => classify_io(error),
        sqlx::Error::Tls(inner) => match find::<rustls::Error>(error) {
            Some(error) => classify_tls(error),
            None if inner.to_string().contains("does not support TLS") => Reason::TlsNotOffered,
            None => Reason::TlsHandshakeFailed,
        },
        sqlx::Error::Configuration(_) => Reason::SettingsInvalid,
        _ => Reason::UnexpectedAnswer,
    }
}

/// By SQLSTATE; the text is looked at only where one code stands for two things.
fn classify_refusal(code: Option<&str>, message: &str) -> Reason {
    match code {
        // pg_hba.conf has a rule for encrypted connections only.
        Some("28000") if message.contains("no encryption") || message.contains("SSL off") => {
            Reason::TlsRequiredByServer
        }
        Some("28000" | "28P01") => Reason::AuthenticationFailed,
        Some("3D000") => Reason::DatabaseDoesNotExist,
        Some("42501") => Reason::PrivilegeMissing,
        Some("53300") => Reason::TooManyConnections,
        Some("57P03") => Reason::NotReady,
        _ => Reason::UnexpectedAnswer,
    }
}

fn advice(reason: Reason) -> &'static str {
    match reason {
        Reason::AuthenticationFailed => "correct SENTRY_DB_USER and SENTRY_DB_PASSWORD, or pg_hba.conf",
        Reason::DatabaseDoesNotExist => "create the database, or correct SENTRY_DB_NAME",
        Reason::PrivilegeMissing => "grant the user connect and create on the database",
        Reason::TooManyConnections => "raise max_connections of the server, or lower SENTRY_POSTGRES_MAX_CONNECTIONS",
        Reason::TlsNotOffered => "turn on ssl at the server, or set SENTRY_POSTGRES_SSLMODE to prefer",
        Reason::TlsRequiredByServer => "set SENTRY_POSTGRES_SSLMODE to require or better",
        Reason::TlsUntrustedCA => "name the CA's certificate in SENTRY_POSTGRES_SSLROOTCERT",
        Reason::TlsHostnameMismatch => "reach the server by the name in its certificate, or use verify-ca",
        Reason::TlsHandshakeFailed => "look at the server's certificate and TLS settings",
        Reason::NotReady => "the server is starting or stopping: try again",
        Reason::SettingsInvalid => "check SENTRY_POSTGRES_SSLROOTCERT and SENTRY_DB_PASSWORD_FILE",
        Reason::ConnectTimeout => "it accepts connections and does not answer: is it PostgreSQL that listens there?",
        _ => "is it PostgreSQL that listens there?",
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use rustls::CertificateError;

    use super::*;

    #[test]
    fn refusals_are_told_apart_by_their_sqlstate() {
        let hba = r#"no pg_hba.conf entry for host "10.0.0.7", user "picket", database "picket", no encryption"#;
        let table = [
            ("28P01", r#"password authentication failed for user "picket""#, Reason::AuthenticationFailed),
            ("28000", r#"role "picket" does not exist"#, Reason::AuthenticationFailed),
            ("28000", hba, Reason::TlsRequiredByServer),
            ("3D000", r#"database "picket" does not exist"#, Reason::DatabaseDoesNotExist),
            ("42501", r#"permission denied for database "picket""#, Reason::PrivilegeMissing),
            ("53300", "sorry, too many clients already", Reason::TooManyConnections),
            ("57P03", "the database system is starting up", Reason::NotReady),
            ("XX000", "tuple concurrently updated", Reason::UnexpectedAnswer),
        ];
        for (code, message, reason) in table {
            assert_eq!(classify_refusal(Some(code), message), reason, "{code} {message}");
        }
    }

    #[test]
    fn errors_below_sql_are_told_apart() {
        let untrusted = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let table = [
            (sqlx::Error::Tls("server does not support TLS".into()), Reason::TlsNotOffered),
            (sqlx::Error::Io(io::Error::new(io::ErrorKind::InvalidData, untrusted)), Reason::TlsUntrustedCA),
            (sqlx::Error::Io(io::ErrorKind::ConnectionRefused.into()), Reason::ConnectionRefused),
            (sqlx::Error::Io(io::ErrorKind::UnexpectedEof.into()), Reason::UnexpectedAnswer),
            (sqlx::Error::Io(io::ErrorKind::NotFound.into()), Reason::SettingsInvalid),
            (sqlx::Error::Protocol("unexpected response from SSLRequest: 0x2d".to_owned()), Reason::UnexpectedAnswer),
        ];
        for (error, reason) in table {
            assert_eq!(classify(&error), reason, "{error}");
        }
    }

    fn server() -> Server {
        let version_text = "15.6".to_owned();
        Server { version: 150_006, version_text, read_only: false, schema: Some("public".to_owned()), may_create: true }
    }

    #[test]
    fn a_server_that_answers_must_also_be_of_use() {
        let table = [
            (server(), Reason::Connected, "PostgreSQL 15.6"),
            (
                Server { version: 130_014, version_text: "13.14".to_owned(), ..server() },
                Reason::VersionUnsupported,
                "13.14",
            ),
            (Server { read_only: true, ..server() }, Reason::ReadOnlyReplica, "primary"),
            (
                Server { may_create: false, ..server() },
                Reason::PrivilegeMissing,
                "create on schema public to \"picket\"",
            ),
            (Server { schema: None, may_create: false, ..server() }, Reason::PrivilegeMissing, "create schema"),
        ];
        for (server, reason, word) in table {
            let finding = judge(&server, "picket", "picket on db:5432");
            assert_eq!(finding.reason, reason);
            assert!(finding.message.contains(word), "{}", finding.message);
        }
    }
}
