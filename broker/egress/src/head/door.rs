//! A head in the clear, at the listener.

use http::{Method, Version, header, request::Parts};
use valetkey_core::{
    Refusal,
    network::{Endpoint, HostName, Origin, Scheme},
};

use super::{authority, framing, invalid, mismatch};

/// What a head at the listener asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A tunnel (RFC 9110 section 9.3.6).
    Tunnel(Endpoint),
    /// A request in the clear, in absolute form (RFC 9112 section 3.2.2).
    Forward(Origin),
    /// A request in origin form, to a credential's own origin.
    Base {
        /// The first segment of the path.
        credential: String,
        /// What the client calls this proxy.
        local: String,
    },
}

/// Reads a head at the listener.
pub(crate) fn at_the_door(parts: &Parts) -> Result<Wanted, Refusal> {
    if !matches!(parts.version, Version::HTTP_10 | Version::HTTP_11) {
        return Err(invalid("only HTTP/1.1 is spoken here"));
    }
    framing::check(parts)?;
    if parts.method == Method::CONNECT {
        return tunnel(parts).map(Wanted::Tunnel);
    }
    match (parts.uri.scheme_str(), parts.uri.authority()) {
        (Some("http"), Some(_)) => forward(parts).map(Wanted::Forward),
        (Some("https"), _) => Err(mismatch("https goes through CONNECT, not in the clear")),
        (Some(_), _) => Err(mismatch("only http and https are forwarded")),
        (None, Some(_)) => Err(invalid("the request's target is neither a url nor a path")),
        (None, None) => base(parts),
    }
}

fn tunnel(parts: &Parts) -> Result<Endpoint, Refusal> {
    let uri = &parts.uri;
    if uri.scheme().is_some() || uri.path_and_query().is_some() {
        return Err(mismatch(
            "CONNECT names a host and a port, and nothing else",
        ));
    }
    let endpoint = authority::of_uri(uri, None)?;
    let host = authority::of_host(parts, endpoint.port)?;
    if host.is_some_and(|host| host != endpoint) {
        return Err(mismatch(
            "CONNECT and the header `host` name different hosts",
        ));
    }
    if parts.headers.contains_key(header::TRANSFER_ENCODING)
        || parts
            .headers
            .get(header::CONTENT_LENGTH)
            .is_some_and(|length| length != "0")
    {
        return Err(invalid("CONNECT has no body"));
    }
    Ok(endpoint)
}

fn forward(parts: &Parts) -> Result<Origin, Refusal> {
    let port = Scheme::Http.port();
    let endpoint = authority::of_uri(&parts.uri, Some(port))?;
    let host = authority::of_host(parts, port)?;
    if host.is_some_and(|host| host != endpoint) {
        return Err(mismatch(
            "the url and the header `host` name different hosts",
        ));
    }
    if !parts.uri.path().starts_with('/') {
        return Err(invalid("the url has no path"));
    }
    Ok(Origin {
        scheme: Scheme::Http,
        endpoint,
    })
}

fn base(parts: &Parts) -> Result<Wanted, Refusal> {
    let Some(local) = authority::single_host(&parts.headers)? else {
        return Err(invalid("the header `host` is missing"));
    };
    let here = Endpoint::parse(local, Some(Scheme::Http.port()));
    if !here.is_ok_and(|here| is_here(&here.host)) {
        return Err(mismatch(
            "a request without a host in its target is for this proxy, at loopback",
        ));
    }
    let path = parts.uri.path().strip_prefix('/');
    let credential = path.and_then(|path| path.split('/').next());
    let credential = credential.filter(|name| !name.is_empty()).ok_or_else(|| {
        invalid("the path begins with a credential's name, or the target is a whole url")
    })?;
    Ok(Wanted::Base {
        credential: credential.to_owned(),
        local: local.to_owned(),
    })
}

fn is_here(host: &HostName) -> bool {
    host.as_str() == "localhost" || host.ip().is_some_and(|ip| ip.is_loopback())
}
