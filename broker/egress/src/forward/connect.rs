//! A tunnel is wanted.

use http::Response;
use hyper::upgrade::OnUpgrade;
use valetkey_codes::Code;
use valetkey_core::{
    Refusal,
    network::{Endpoint, Origin, Scheme, Target},
};

use crate::{
    body::Reply,
    connection::{After, Guest, Tunnel},
    tally::Tally,
};

/// Opens a tunnel, or says that TLS may begin where the origin is looked into.
pub(super) async fn open(
    guest: &Guest,
    client: Option<OnUpgrade>,
    endpoint: Endpoint,
) -> Result<Response<Reply>, Refusal> {
    let client = client.ok_or(Code::InvalidRequest)?;
    let session = guest.room.session;
    let gate = guest.gate();
    let secure = Origin {
        scheme: Scheme::Https,
        endpoint: endpoint.clone(),
    };
    gate.pass(session, &Target::Connect(secure.clone())).await?;
    // Rules for the same host and port in the clear would be passed by, were that not looked into as well.
    let plain = Origin {
        scheme: Scheme::Http,
        endpoint: endpoint.clone(),
    };
    if gate.looks_into(session, &secure) || gate.looks_into(session, &plain) {
        guest.go_on(After::LookInto {
            client,
            origin: secure,
        });
        return Ok(Response::new(Reply::empty()));
    }
    let far = match guest.room.way().tunnel(&endpoint).await {
        Ok(far) => far,
        Err(refusal) => return Err(super::send::recorded(guest, &secure, refusal).await),
    };
    let tally = Tally::begin(gate, session, secure, Vec::new(), None);
    guest.go_on(After::Tunnel(Tunnel {
        client,
        far,
        endpoint,
        tally,
    }));
    Ok(Response::new(Reply::empty()))
}
