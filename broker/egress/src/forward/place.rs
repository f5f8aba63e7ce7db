//! Puts into a request what it may carry, and stops placeholders that are not for there.

use std::sync::Arc;

use http::{header, request::Parts};
use hyper::body::{Body, Bytes, Incoming};
use tokio::{sync::OwnedSemaphorePermit, time::timeout};
use valetkey_codes::Code;
use valetkey_core::{CredentialName, Placement, Refusal, WRITE, network::Target, text::printable};
use valetkey_inject::{FirstMessage, Live, Payload, PlaceError, Placed as Put};

use super::{Opening, held};
use crate::{
    connection::Guest,
    gate::{Loan, Sent, Way},
};

/// Longest target in a record, in characters.
const TARGET: usize = 200;

/// A request that carries what it may.
pub(super) struct Placed {
    /// Whose values, each once.
    pub credentials: Vec<CredentialName>,
    /// What must not come back.
    pub needles: Option<Live>,
    /// The body, where it was held to put a value into it.
    pub held: Option<Bytes>,
    /// The right to hold it; to be kept as long as it is.
    pub holding: Option<OwnedSemaphorePermit>,
    /// What is put into the first message of a WebSocket.
    pub opening: Option<Opening>,
    /// The body, where it was not.
    pub body: Option<Incoming>,
}

/// Places the values that the request may carry. Refused, and recorded, where a placeholder stands in it
/// whose credential does not go to this target.
pub(super) async fn place(
    guest: &Guest,
    parts: &mut Parts,
    body: Incoming,
    target: &Target,
    upgrading: bool,
) -> Result<Placed, Refusal> {
    let room = &guest.room;
    let mut ways = guest.gate().ways(target);
    if upgrading {
        // What goes through a WebSocket may change things, however it began.
        let unnamed = ways.iter_mut().filter(|way| way.injection.scope.is_none());
        unnamed.for_each(|way| WRITE.clone_into(&mut way.scope));
    }
    let mut placing = Placing {
        guest,
        target,
        upgrading,
        found: room.placeholders.in_head(parts),
        sent: Vec::new(),
        credentials: Vec::new(),
        held: None,
        holding: None,
        opening: None,
        body: Some(body),
    };
    let strange = |name: &&CredentialName| !ways.iter().any(|way| way.credential == **name);
    if let Some(stranger) = placing.found.iter().find(strange) {
        return Err(placing.misused(stranger).await);
    }
    for way in &ways {
        // Of one credential the first that fits counts.
        if !placing.credentials.contains(&way.credential) {
            placing.take(parts, way).await?;
        }
    }
    // It goes to this host, and not into this place.
    let left = |name: &&CredentialName| !placing.credentials.contains(name);
    if let Some(left) = placing.found.iter().find(left) {
        return Err(placing.misused(left).await);
    }
    placing.done(parts).await
}

struct Placing<'a> {
    guest: &'a Guest,
    target: &'a Target,
    upgrading: bool,
    found: Vec<CredentialName>,
    sent: Vec<Sent>,
    credentials: Vec<CredentialName>,
    held: Option<Bytes>,
    holding: Option<OwnedSemaphorePermit>,
    opening: Option<Opening>,
    body: Option<Incoming>,
}

impl Placing<'_> {
    /// Places one value, where the request asks for it or its credential goes there anyway.
    async fn take(&mut self, parts: &mut Parts, way: &Way) -> Result<(), Refusal> {
        if !self.applies(parts, way).await? {
            return Ok(());
        }
        if valetkey_inject::needs_body(&way.injection, parts) {
            self.hold().await?;
        }
        let session = self.guest.room.session;
        let origin = self.target.origin();
        let loan = self.guest.gate().lend(session, way, origin).await?;
        match self.put(parts, way, &loan) {
            Ok(Put::NotAsked) => return Ok(()),
            Ok(Put::Yes) => {}
            Err(error) => {
                let refusal = Refusal::new(Code::InvalidRequest).saying(error.to_string());
                return Err(self.recorded(refusal).await);
            }
        }
        self.sent.push((loan, Arc::clone(&way.injection)));
        self.credentials.push(way.credential.clone());
        Ok(())
    }

    async fn applies(&mut self, parts: &Parts, way: &Way) -> Result<bool, Refusal> {
        let named = way.injection.always || self.found.contains(&way.credential);
        match way.injection.place {
            Placement::WebSocket { .. } => Ok(self.upgrading),
            Placement::SigV4 { .. } => Ok(named || is_signed(parts)),
            Placement::Body { .. } => {
                if self.body.as_ref().is_some_and(Body::is_end_stream) {
                    return Ok(false);
                }
                if way.injection.always {
                    return Ok(true);
                }
                let placeholders = &self.guest.room.placeholders;
                if placeholders.of(&way.credential).is_none() {
                    return Ok(false);
                }
                let held = self.hold().await?;
                Ok(placeholders.in_bytes(&held).contains(&way.credential))
            }
            _ => Ok(named),
        }
    }

    fn put(&mut self, parts: &mut Parts, way: &Way, loan: &Arc<Loan>) -> Result<Put, PlaceError> {
        let (value, injection) = (&loan.value, &*way.injection);
        let placeholder = self.guest.room.placeholders.of(&way.credential);
        match &injection.place {
            Placement::Body { pointer } => {
                let held = self.held.as_deref().unwrap_or_default();
                let always = injection.always;
                let body = valetkey_inject::into_json(held, pointer, value, placeholder, always)?;
                let Some(body) = body else {
                    return Ok(Put::NotAsked);
                };
                self.held = Some(Bytes::from_owner(body));
            }
            Placement::WebSocket { pointer } => {
                let message = FirstMessage::new(pointer, placeholder, injection.always);
                let origin = self.target.origin().clone();
                self.opening = Some(Opening::new(message, way.clone(), origin, Arc::clone(loan)));
            }
            Placement::SigV4 { access_key_id } => {
                let payload = self.held.as_deref().map_or(Payload::Header, Payload::Known);
                let now = self.guest.gate().now().unix_seconds();
                valetkey_inject::sign(parts, payload, access_key_id, value, now)?;
            }
            _ => return valetkey_inject::into_head(parts, injection, value, placeholder),
        }
        Ok(Put::Yes)
    }

    /// The whole body, as it is so far.
    async fn hold(&mut self) -> Result<Bytes, Refusal> {
        if let Some(body) = self.body.take() {
            let room = &self.guest.room;
            let limits = &room.house.limits;
            let held = timeout(limits.held_timeout, async {
                let holding = Arc::clone(&room.holding).acquire_owned().await;
                let holding = holding.map_err(|_| Code::Internal)?;
                Ok::<_, Refusal>((holding, held::read(body, limits.held_body).await?))
            });
            let late = Refusal::new(Code::InvalidRequest).saying("the body did not arrive in time");
            let (holding, body) = held.await.map_err(|_| late)??;
            (self.holding, self.held) = (Some(holding), Some(body));
        }
        Ok(self.held.clone().unwrap_or_default())
    }

    async fn misused(&self, credential: &CredentialName) -> Refusal {
        let refusal = Refusal::new(Code::PlaceholderMisused)
            .saying(format!(
                "the placeholder of `{credential}` was sent where no `inject` entry of it fits"
            ))
            .because(format!("the placeholder of `{credential}`"));
        self.recorded(refusal).await
    }

    async fn recorded(&self, refusal: Refusal) -> Refusal {
        // As it came: the target may hold a value by now.
        let target = match self.target {
            Target::Connect(origin) => origin.to_string(),
            Target::Request {
                origin,
                method,
                path,
            } => format!("{method} {origin}{path}"),
        };
        self.guest
            .refused(&printable(&target, TARGET), refusal)
            .await
    }

    async fn done(self, parts: &mut Parts) -> Result<Placed, Refusal> {
        let origin = self.target.origin();
        let lenders = self.guest.gate().lenders(origin);
        let lent = &self.guest.room.house.lent;
        let gate = self.guest.gate();
        let session = self.guest.room.session;
        let kept = async |lenders: &_| gate.kept(session, lenders).await;
        let needles = lent.needles(session, lenders, self.sent, kept, gate.now());
        let needles = needles.await?;
        if needles.is_some() {
            valetkey_inject::ask_plain(&mut parts.headers);
        }
        if let Some(held) = &self.held {
            // It may have grown.
            let headers = &mut parts.headers;
            headers.insert(header::CONTENT_LENGTH, held.len().into());
        }
        Ok(Placed {
            credentials: self.credentials,
            needles,
            held: self.held,
            holding: self.holding,
            opening: self.opening,
            body: self.body,
        })
    }
}

/// Whether an SDK signed it, with what the sandbox has in place of the key.
fn is_signed(parts: &Parts) -> bool {
    let authorization = parts.headers.get(header::AUTHORIZATION);
    authorization.is_some_and(|value| value.as_bytes().starts_with(b"AWS4-HMAC-SHA256"))
}
