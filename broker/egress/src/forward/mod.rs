//! One request, from its head to the answer's last byte: read, asked about, given what it may carry,
//! forwarded, and the answer cleaned.

mod connect;
mod held;
mod lent;
mod location;
mod opening;
mod place;
mod route;
mod send;
mod settle;

use std::sync::Arc;

use http::{Request, Response};
use hyper::body::{Body as _, Incoming};
use valetkey_codes::Code;
use valetkey_core::{Refusal, network::Target};

pub(crate) use lent::Lent;
pub(crate) use opening::Opening;

use crate::{
    body::{Counted, Reply, Towards, Upload},
    connection::Guest,
    head, refuse,
    tally::Tally,
    upstream::Key,
};
use place::Placed;
use route::{Route, Routed};

/// Answers one request. Dropped when the client goes away or the session is cut, and with it both legs.
pub(crate) async fn answer(guest: &Arc<Guest>, request: Request<Incoming>) -> Response<Reply> {
    match flow(guest, request).await {
        Ok(response) => response,
        Err(refusal) => refuse::answer(&refusal),
    }
}

async fn flow(guest: &Arc<Guest>, request: Request<Incoming>) -> Result<Response<Reply>, Refusal> {
    let mut under_way = guest.begin();
    // Before anything is waited for: whoever waits holds a head and what came of a body.
    under_way.take(guest.places(1).ok_or_else(|| {
        Refusal::new(Code::TooManyRequests)
            .saying("as many requests of this session are under way as may be at once")
            .advising("wait a moment, and send fewer at once")
    })?);
    let (mut parts, body) = request.into_parts();
    let client = parts.extensions.remove::<hyper::upgrade::OnUpgrade>();
    // 1. Where to, in one reading.
    let route = match route::read(guest, &mut parts).await? {
        Routed::Tunnel(endpoint) => return connect::open(guest, client, endpoint).await,
        Routed::Request(route) => route,
    };
    let upgrading = head::upgrades(&parts);
    // 2. Whether it may.
    let target = Target::Request {
        origin: route.origin.clone(),
        method: parts.method.as_str().into(),
        path: parts.uri.path().into(),
    };
    guest.may_connect(&route.origin).await?;
    guest.gate().pass(guest.room.session, &target).await?;
    if upgrading {
        // What goes through a WebSocket may change things, however it began.
        let writes = Target::Request {
            origin: route.origin.clone(),
            method: "POST".into(),
            path: parts.uri.path().into(),
        };
        guest.gate().pass(guest.room.session, &writes).await?;
    }
    // 3. What it carries.
    head::strip(&mut parts.headers);
    send::name(&mut parts, &route.origin)?;
    let Placed {
        credentials,
        needles,
        held,
        // Until the answer begins.
        holding: _holding,
        opening,
        body,
    } = place::place(guest, &mut parts, body, &target, upgrading).await?;
    // 4. There and back.
    let Route { origin, base } = route;
    let tally = Tally::begin(
        guest.gate(),
        guest.room.session,
        origin.clone(),
        credentials.clone(),
        Some(under_way),
    );
    let upload = match (held, body) {
        (Some(held), _) => Upload::Held(held.into()),
        (None, Some(body)) if !body.is_end_stream() => {
            Upload::Streamed(Counted::new(body, Arc::clone(&tally), Towards::Origin))
        }
        (None, _) => Upload::Empty,
    };
    let key = Key {
        origin,
        credentials,
    };
    let sent = send::send(guest, key, parts, upload, upgrading).await?;
    // 5. What may come back.
    let answer = settle::Answer {
        sent,
        needles,
        tally,
        base,
        upgrade: client.filter(|_| upgrading),
        opening,
    };
    answer.settle(guest).await
}
