//! An answer on its way back: without what is for this hop, and without what was lent.

use std::sync::Arc;

use http::{Extensions, HeaderValue, Response, StatusCode, header, response::Parts};
use hyper::{
    body::{Body, Bytes, Incoming},
    upgrade::OnUpgrade,
};
use valetkey_codes::Code;
use valetkey_core::Refusal;
use valetkey_inject::{BoxError, Live, Needles};

use super::{Opening, location::Base, send::Sent};
use crate::{
    body::{Counted, Reply, Towards},
    connection::{After, Guest, Socket},
    head,
    tally::Tally,
    upstream::Download,
};

/// An answer that has begun.
pub(super) struct Answer {
    pub sent: Sent,
    pub needles: Option<Live>,
    pub tally: Arc<Tally>,
    pub base: Option<Base>,
    /// The client's side, where a WebSocket was asked for.
    pub upgrade: Option<OnUpgrade>,
    pub opening: Option<Opening>,
}

impl Answer {
    /// What the client gets.
    pub(super) async fn settle(self, guest: &Guest) -> Result<Response<Reply>, Refusal> {
        if self.sent.response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return self.switch(guest).await;
        }
        let Self {
            sent,
            needles,
            tally,
            base,
            ..
        } = self;
        let (mut parts, body) = sent.response.into_parts();
        let reply = match sent.line {
            Some((line, key)) => {
                let body = Download::new(body, line, Arc::clone(&guest.epoch.pool), key);
                let body = Counted::new(body, tally, Towards::Sandbox);
                match &needles {
                    None => Reply::Line(body),
                    Some(needles) => scrubbed(guest, needles, &mut parts, body)?,
                }
            }
            None => {
                let body = Counted::new(body, tally, Towards::Sandbox);
                match &needles {
                    None => Reply::Stream(body),
                    Some(needles) => scrubbed(guest, needles, &mut parts, body)?,
                }
            }
        };
        // Afterwards: what says how a body is encoded may be for this hop.
        let needles = needles.as_ref().map(Live::now);
        clean(&mut parts, base.as_ref(), needles.as_deref());
        Ok(Response::from_parts(parts, reply))
    }

    async fn switch(self, guest: &Guest) -> Result<Response<Reply>, Refusal> {
        let (Some(client), Some((mut line, _))) = (self.upgrade, self.sent.line) else {
            return Err(unsound("the host changes the protocol unasked"));
        };
        let mut response: Response<Incoming> = self.sent.response;
        let far = line.until(hyper::upgrade::on(&mut response)).await;
        let far = far.map_err(|_| unsound("the host changed the protocol and left"))?;
        let (mut parts, _) = response.into_parts();
        let needles = self.needles.as_ref().map(Live::now);
        clean(&mut parts, None, needles.as_deref());
        let headers = &mut parts.headers;
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        guest.go_on(After::Socket(Box::new(Socket {
            client,
            far,
            tally: self.tally,
            needles: self.needles,
            opening: self.opening,
        })));
        Ok(Response::from_parts(parts, Reply::empty()))
    }
}

fn clean(parts: &mut Parts, base: Option<&Base>, needles: Option<&Needles>) {
    // A reason phrase is one more place where something could come back.
    parts.extensions = Extensions::new();
    parts.version = http::Version::HTTP_11;
    head::strip(&mut parts.headers);
    if let Some(base) = base {
        base.rewrite(&mut parts.headers);
    }
    if let Some(needles) = needles {
        needles.head(&mut parts.headers);
    }
}

fn scrubbed<B>(
    guest: &Guest,
    needles: &Live,
    parts: &mut Parts,
    mut body: Counted<B>,
) -> Result<Reply, Refusal>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    if !body.is_end_stream() && valetkey_inject::takes_a_window(&parts.headers) {
        // No `too_many_requests`: the host has done what it was asked, so the client should not ask again.
        let places = guest.places(guest.room.house.limits.window_places);
        let none =
            "too many answers in `br` are searched at once; the host was asked not to send any";
        body.keep(places.ok_or_else(|| unsound(none))?);
    }
    let tally = body.tally();
    valetkey_inject::body(needles.clone(), &mut parts.headers, body)
        .map(|body| Reply::Scrubbed(body, tally))
        .map_err(|error| unsound(&error.to_string()))
}

fn unsound(words: &str) -> Refusal {
    Refusal::new(Code::HostUnreachable).saying(words)
}
