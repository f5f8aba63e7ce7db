//! A head inside of TLS that is looked into.

use http::{Method, request::Parts};
use valetkey_core::{Refusal, network::Origin};

use super::{authority, framing, invalid, mismatch};

/// Whether the head is one for `origin`, which was connected to: `Host`, `:authority` and a whole URL name
/// it and no other.
pub(crate) fn inside(parts: &Parts, origin: &Origin) -> Result<(), Refusal> {
    framing::check(parts)?;
    if parts.method == Method::CONNECT {
        return Err(invalid("there is no CONNECT inside of a tunnel"));
    }
    let port = origin.scheme.port();
    let host = authority::of_host(parts, port)?;
    let mut named = host.is_some();
    if host.is_some_and(|host| host != origin.endpoint) {
        return Err(mismatch(
            "the header `host` names another host than CONNECT did",
        ));
    }
    if parts.uri.authority().is_some() {
        named = true;
        if parts.uri.scheme_str() != Some(origin.scheme.id()) {
            return Err(mismatch("the url's scheme is not the connection's"));
        }
        if authority::of_uri(&parts.uri, Some(port))? != origin.endpoint {
            return Err(mismatch(
                "the url or `:authority` names another host than CONNECT did",
            ));
        }
    }
    if !named {
        return Err(invalid("the request names no host"));
    }
    if !parts.uri.path().starts_with('/') {
        return Err(invalid("the request's target has no path"));
    }
    Ok(())
}
