//! Where a request goes.

use http::{Uri, request::Parts, uri::PathAndQuery};
use valetkey_codes::Code;
use valetkey_core::{
    Refusal,
    network::{Endpoint, Origin},
    text::printable,
};

use super::location::Base;
use crate::{
    connection::{Guest, Place},
    head::{self, Wanted},
};

/// Longest target in the record of a refusal, in characters.
const TARGET: usize = 200;

/// A request's way.
pub(super) struct Route {
    /// Where to.
    pub origin: Origin,
    /// What the client calls that, where it speaks to this proxy as if it were the origin.
    pub base: Option<Base>,
}

/// What was read.
pub(super) enum Routed {
    /// A tunnel is wanted.
    Tunnel(Endpoint),
    /// A request is to be forwarded.
    Request(Route),
}

/// Reads the head. A refusal that comes of it is recorded.
pub(super) async fn read(guest: &Guest, parts: &mut Parts) -> Result<Routed, Refusal> {
    match find(guest, parts) {
        Ok(routed) => Ok(routed),
        Err(refusal) => {
            let mut said = String::from(parts.method.as_str());
            said.push(' ');
            if let Some(authority) = parts.uri.authority() {
                said.push_str(authority.as_str());
            }
            // Without the query, which may hold what is nobody's business.
            said.push_str(parts.uri.path());
            Err(guest.refused(&printable(&said, TARGET), refusal).await)
        }
    }
}

fn find(guest: &Guest, parts: &mut Parts) -> Result<Routed, Refusal> {
    let route = match &guest.place {
        Place::Inside(origin) => {
            head::inside(parts, origin)?;
            Route {
                origin: origin.clone(),
                base: None,
            }
        }
        Place::Door => match head::at_the_door(parts)? {
            Wanted::Tunnel(endpoint) => {
                may_be_named(guest, &endpoint)?;
                return Ok(Routed::Tunnel(endpoint));
            }
            Wanted::Forward(origin) => {
                may_be_named(guest, &origin.endpoint)?;
                Route { origin, base: None }
            }
            Wanted::Base { credential, local } => to_base(guest, parts, credential, local)?,
        },
    };
    // Only the path goes on: whatever else the target named was compared above. Where there was a fragment
    // and no path, what is left reads as `/` and is written as nothing.
    let path = parts.uri.path_and_query().cloned();
    parts.uri = Uri::from(path.filter(|path| path.as_str() != "/").unwrap_or(ROOT));
    Ok(Routed::Request(route))
}

const ROOT: PathAndQuery = PathAndQuery::from_static("/");

/// An address in place of a name is refused unless an admin named that very address and port.
fn may_be_named(guest: &Guest, endpoint: &Endpoint) -> Result<(), Refusal> {
    match endpoint.socket() {
        Some(address) if !guest.gate().admits(address) => Err(Refusal::new(Code::AddressRefused)
            .saying("a host is called by its name, not by its address")),
        _ => Ok(()),
    }
}

fn to_base(
    guest: &Guest,
    parts: &mut Parts,
    credential: String,
    local: String,
) -> Result<Route, Refusal> {
    let origin = guest.gate().base(&credential).ok_or_else(|| {
        Refusal::new(Code::UnknownCredential).saying("the path begins with no credential's name")
    })?;
    let whole = parts.uri.path_and_query().map_or("", PathAndQuery::as_str);
    let rest = whole
        .strip_prefix('/')
        .and_then(|rest| rest.strip_prefix(credential.as_str()));
    let rest = match rest {
        Some(rest) if rest.starts_with('/') => rest.to_owned(),
        Some(rest) => format!("/{rest}"),
        None => "/".to_owned(),
    };
    parts.uri = rest.parse().map_err(|_| {
        Refusal::new(Code::InvalidRequest).saying("the path below the credential's name is none")
    })?;
    Ok(Route {
        base: Some(Base::new(local, credential, origin.clone())),
        origin,
    })
}
