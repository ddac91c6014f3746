//! A browser's report of a failed request, made an event: <https://www.w3.org/TR/network-error-logging/>.

use serde_json::{Value, json};

use super::{super::json::Object, incoming::Unusable};

/// What the specification's types of errors mean to a person; `{}` is the status.
const MEANINGS: [(&str, &str); 25] = [
    ("dns.unreachable", "The DNS server is unreachable"),
    ("dns.name_not_resolved", "The name is not known to the DNS server"),
    ("dns.failed", "The DNS server failed"),
    ("dns.address_changed", "The address has changed since the policy was received"),
    ("tcp.timed_out", "The connection timed out"),
    ("tcp.closed", "The server closed the connection"),
    ("tcp.reset", "The connection was reset"),
    ("tcp.refused", "The server refused the connection"),
    ("tcp.aborted", "The connection was aborted"),
    ("tcp.address_invalid", "The address is invalid"),
    ("tcp.address_unreachable", "The address is unreachable"),
    ("tcp.failed", "The connection failed"),
    ("tls.version_or_cipher_mismatch", "Client and server have no TLS version or cipher in common"),
    ("tls.bad_client_auth_cert", "The server refused the client's certificate"),
    ("tls.cert.name_invalid", "The certificate is for another name"),
    ("tls.cert.date_invalid", "The certificate is expired or not yet valid"),
    ("tls.cert.authority_invalid", "The certificate's issuer is not trusted"),
    ("tls.cert.invalid", "The certificate is invalid"),
    ("tls.cert.revoked", "The certificate is revoked"),
    ("tls.cert.pinned_key_not_in_cert_chain", "The certificate does not have the pinned key"),
    ("tls.protocol.error", "The TLS connection failed"),
    ("tls.failed", "The TLS connection failed"),
    ("http.error", "The server answered with status {}"),
    ("http.response.redirect_loop", "The redirects never end"),
    ("abandoned", "The user gave up waiting"),
];
const CONTEXT: [(&str, &str); 9] = [
    ("type", "error_type"),
    ("phase", "phase"),
    ("protocol", "protocol"),
    ("method", "method"),
    ("status_code", "status_code"),
    ("server_ip", "server_ip"),
    ("elapsed_time", "elapsed_time"),
    ("sampling_fraction", "sampling_fraction"),
    ("referrer", "referrer"),
];

/// Makes an event of a report.
pub fn event(report: &Object) -> Result<Object, Unusable> {
    if report.get("type").is_some_and(|kind| kind != "network-error") {
        return Err(Unusable::OtherKind);
    }
    let body = report.get("body").and_then(Value::as_object).ok_or(Unusable::Report)?;
    let text = |object: &Object, name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (kind, url) = (text(body, "type"), text(report, "url"));
    if kind.is_empty() {
        return Err(Unusable::Report);
    }
    let status = body.get("status_code").and_then(Value::as_u64).unwrap_or_default();
    let meaning = MEANINGS.iter().find(|(known, _)| *known == kind).map_or(kind.as_str(), |(_, meaning)| meaning);
    let meaning = meaning.replace("{}", &status.to_string());
    let host = url.split_once("://").map(|(_, rest)| super::host(rest)).unwrap_or_default();
    let message = if host.is_empty() { meaning } else { format!("{meaning}: {host}") };
    let mut context = Object::from_iter([("type".to_owned(), Value::from("nel"))]);
    for (theirs, ours) in CONTEXT {
        context.extend(body.get(theirs).filter(|value| !value.is_null()).map(|value| (ours.to_owned(), value.clone())));
    }
    let mut event = Object::new();
    event.insert("logger".into(), "nel".into());
    event.insert("message".into(), json!({"formatted": message}));
    event.insert("culprit".into(), kind.clone().into());
    event.insert("tags".into(), json!([["error-type", kind], ["host", host]]));
    let mut headers: Vec<Value> = Vec::new();
    let of_report = [("Referer", text(body, "referrer")), ("User-Agent", text(report, "user_agent"))];
    headers.extend(of_report.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| json!([name, value])));
    event.insert("request".into(), json!({"url": url, "method": body.get("method"), "headers": headers}));
    event.insert("contexts".into(), json!({"nel": context}));
    event.insert("nel".into(), body.clone().into());
    Ok(event)
}
