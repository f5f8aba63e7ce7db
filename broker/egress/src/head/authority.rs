//! The one host that a head names.

use http::{HeaderMap, Uri, Version, header, request::Parts};
use valetkey_core::{Refusal, network::Endpoint};

use super::{invalid, mismatch};

/// The endpoint in the URI: no user before it, and with a port where `default` is `None`.
pub(super) fn of_uri(uri: &Uri, default: Option<u16>) -> Result<Endpoint, Refusal> {
    endpoint(
        uri.authority().map_or("", |authority| authority.as_str()),
        default,
    )
}

/// What `Host` says; it is there once (RFC 9112 section 3.2). HTTP/1.0 may leave it out, and over HTTP/2
/// `:authority` stands for it.
pub(super) fn of_host(parts: &Parts, default: u16) -> Result<Option<Endpoint>, Refusal> {
    let Some(host) = single_host(&parts.headers)? else {
        return if parts.version == Version::HTTP_11 {
            Err(invalid("the header `host` is missing"))
        } else {
            Ok(None)
        };
    };
    endpoint(host, Some(default)).map(Some)
}

/// `Host` as it stands there.
pub(super) fn single_host(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => Ok(None),
        (Some(host), None) => host
            .to_str()
            .map(Some)
            .map_err(|_| mismatch("the header `host` names no host")),
        (Some(_), Some(_)) => Err(mismatch("the header `host` is there more than once")),
    }
}

fn endpoint(text: &str, default: Option<u16>) -> Result<Endpoint, Refusal> {
    Endpoint::parse(text, default).map_err(|_| {
        mismatch("a host is a name or an address in its usual notation, and a port from 1 to 65535")
    })
}
