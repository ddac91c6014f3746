//! The layers every server shares: name, port, TLS. Tried by ourselves before a driver is asked, since drivers blur them.

use std::{error::Error, io, path::Path, sync::Arc, time::Duration};

use rustls::CertificateError;
use tokio::net::{TcpStream, UnixStream, lookup_host};

use super::{Finding, Reason};

/// How long an address may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// Looks the name up and connects; says what to do when that fails. `setting` is the variable that holds the name.
pub async fn reach(host: &str, port: u16, setting: &str) -> Result<(), Finding> {
    let lookup = lookup_host((host, port)).await;
    let no_address = |detail: String| {
        let message =
            format!("{host} has no address ({detail}): correct {setting}, or the name server this machine asks");
        Finding::new(Reason::DnsLookupFailed, message)
    };
    let addresses: Vec<_> = lookup.map_err(|error| no_address(error.to_string()))?.collect();
    let mut last = None;
    for address in addresses {
        match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => last = Some((address, error)),
            Err(_) => last = Some((address, io::ErrorKind::TimedOut.into())),
        }
    }
    let Some((address, error)) = last else { return Err(no_address("an empty answer".to_owned())) };
    let reason = classify_io(&error);
    Err(Finding::new(reason, format!("{host}:{port} ({}): {error}: {}", address.ip(), advice(reason, setting))))
}

/// The same for a socket in the file system.
pub async fn reach_socket(path: &Path, setting: &str) -> Result<(), Finding> {
    let Err(error) = UnixStream::connect(path).await else { return Ok(()) };
    let reason = match error.kind() {
        io::ErrorKind::NotFound => Reason::ConnectionRefused,
        io::ErrorKind::PermissionDenied => Reason::PrivilegeMissing,
        _ => classify_io(&error),
    };
    Err(Finding::new(reason, format!("{}: {error}: {}", path.display(), advice(reason, setting))))
}

fn advice(reason: Reason, setting: &str) -> String {
    match reason {
        Reason::ConnectionRefused => {
            format!("nothing listens there: start the server, or correct {setting} and its port")
        }
        Reason::ConnectTimeout => "no answer: is there a firewall or a network policy in between?".to_owned(),
        Reason::HostUnreachable => format!("no way to that address: check the network, or correct {setting}"),
        _ => format!("check {setting}"),
    }
}

/// The reason behind an I/O error, which may wrap a TLS error.
pub fn classify_io(error: &io::Error) -> Reason {
    if let Some(tls) = find::<rustls::Error>(error) {
        return classify_tls(tls);
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Reason::ConnectionRefused,
        io::ErrorKind::TimedOut => Reason::ConnectTimeout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable => {
            Reason::HostUnreachable
        }
        // After the connection stood: a certificate or password file that is not there.
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => Reason::SettingsInvalid,
        _ => Reason::UnexpectedAnswer,
    }
}

/// The reason behind a TLS error.
pub fn classify_tls(error: &rustls::Error) -> Reason {
    match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Reason::TlsUntrustedCA,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Reason::TlsHostnameMismatch
            }
            // A self-signed certificate that is its own CA, as `openssl req -x509` makes them.
            CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => Reason::TlsUntrustedCA,
            _ => Reason::TlsHandshakeFailed,
        },
        rustls::Error::InvalidMessage(_) => Reason::TlsNotOffered,
        _ => Reason::TlsHandshakeFailed,
    }
}

/// The first error of a type in a chain of causes. `source` alone is not enough: an I/O error and an `Arc` hide what they wrap.
pub fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let inner =
            error.downcast_ref::<io::Error>().and_then(io::Error::get_ref).map(|inner| inner as &(dyn Error + 'static));
        let shared =
            error.downcast_ref::<Arc<dyn Error + Send + Sync>>().map(|inner| &**inner as &(dyn Error + 'static));
        next = inner.or(shared).or_else(|| error.source());
    }
    None
}

#[cfg(test)]
mod tests {
    use rustls::{InvalidMessage, pki_types::ServerName};

    use super::*;

    #[test]
    fn tls_errors_are_told_apart() {
        let certificate = |error| rustls::Error::InvalidCertificate(error);
        let other_name = CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("db.example.com").unwrap(),
            presented: vec!["other.example.com".to_owned()],
        };
        let table = [
            (certificate(CertificateError::UnknownIssuer), Reason::TlsUntrustedCA),
            (certificate(CertificateError::NotValidForName), Reason::TlsHostnameMismatch),
            (certificate(other_name), Reason::TlsHostnameMismatch),
            (certificate(CertificateError::Expired), Reason::TlsHandshakeFailed),
            (rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType), Reason::TlsNotOffered),
            (rustls::Error::NoCertificatesPresented, Reason::TlsHandshakeFailed),
        ];
        for (error, reason) in table {
            assert_eq!(classify_tls(&error), reason, "{error}");
            let wrapped = io::Error::new(io::ErrorKind::InvalidData, error);
            assert_eq!(classify_io(&wrapped), reason, "{wrapped}");
        }
    }

    #[test]
    fn a_tls_error_is_found_behind_an_arc() {
        let tls = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let shared: Arc<dyn Error + Send + Sync> = Arc::new(io::Error::new(io::ErrorKind::InvalidData, tls));
        assert!(find::<rustls::Error>(&shared).is_some());
    }

    #[tokio::test]
    async fn a_port_where_nobody_listens_refuses() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let finding = reach("127.0.0.1", free, "SENTRY_REDIS_HOST").await.unwrap_err();
        assert_eq!(finding.reason, Reason::ConnectionRefused);
        assert!(finding.message.contains("SENTRY_REDIS_HOST"), "{}", finding.message);
    }

    #[tokio::test]
    async fn a_name_nobody_has_is_a_question_of_dns() {
        // RFC 6761: names under `invalid` never exist.
        let finding = reach("db.invalid", 5432, "SENTRY_POSTGRES_HOST").await.unwrap_err();
        assert_eq!(finding.reason, Reason::DnsLookupFailed);
    }

    #[tokio::test]
    async fn a_socket_that_is_not_there_refuses() {
        let finding = reach_socket(Path::new("/nonexistent/.s.PGSQL.5432"), "SENTRY_POSTGRES_HOST").await.unwrap_err();
        assert_eq!(finding.reason, Reason::ConnectionRefused);
    }
}
