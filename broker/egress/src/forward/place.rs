//! Puts into a request what it may carry, and stops placeholders that are not for there.

use std::sync::Arc;

use http::request::Parts;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use valetkey_codes::Code;
use valetkey_core::{CredentialName, Placement, Refusal, network::Target};
use valetkey_inject::{Needles, PlaceError, Placeholders};

use super::{Opening, lent::Sent};
use crate::{
    connection::Guest,
    gate::{Loan, Way},
};

/// A request that carries what it may.
pub(super) struct Placed {
    /// Whose values, each once.
    pub credentials: Vec<CredentialName>,
    /// What must not come back.
    pub needles: Option<Arc<Needles>>,
    /// The body, where it was held to put a value into it.
    pub held: Option<Bytes>,
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
    let ways = guest.gate().ways(target);
    let mut placing = Placing {
        guest,
        target,
        upgrading,
        found: room.placeholders.in_head(parts),
        sent: Vec::new(),
        credentials: Vec::new(),
        held: None,
        opening: None,
        body: Some(body),
    };
    let belongs = |name: &&CredentialName| !ways.iter().any(|way| way.credential == **name);
    if let Some(stranger) = placing.found.iter().find(belongs) {
        let refusal = Refusal::new(Code::PlaceholderMisused)
            .because(format!("the placeholder of `{stranger}`"));
        return Err(placing.recorded(refusal).await);
    }
    for way in &ways {
        placing.take(parts, way).await?;
    }
    placing.done(parts)
}

struct Placing<'a> {
    guest: &'a Guest,
    target: &'a Target,
    upgrading: bool,
    found: Vec<CredentialName>,
    sent: Vec<Sent>,
    credentials: Vec<CredentialName>,
    held: Option<Bytes>,
    opening: Option<Opening>,
    body: Option<Incoming>,
}

impl Placing<'_> {
    /// Places one value, where the request asks for it or its credential goes there anyway.
    async fn take(&mut self, parts: &mut Parts, way: &Way) -> Result<(), Refusal> {
        if !self.applies(parts, way).await? {
            return Ok(());
        }
        let session = self.guest.room.session;
        let origin = self.target.origin();
        let loan = self.guest.gate().lend(session, way, origin).await?;
        if let Err(error) = self.put(parts, way, &loan).await? {
            let refusal = Refusal::new(Code::InvalidRequest).saying(error.to_string());
            return Err(self.recorded(refusal).await);
        }
        self.sent.push((loan, Arc::clone(&way.injection)));
        if !self.credentials.contains(&way.credential) {
            self.credentials.push(way.credential.clone());
        }
        Ok(())
    }

    async fn applies(&mut self, parts: &Parts, way: &Way) -> Result<bool, Refusal> {
        let named = way.injection.always || self.found.contains(&way.credential);
        match way.injection.place {
            Placement::WebSocket { .. } => Ok(self.upgrading),
            Placement::Body { .. } if !named => {
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

    async fn put(
        &mut self,
        parts: &mut Parts,
        way: &Way,
        loan: &Arc<Loan>,
    ) -> Result<Result<(), PlaceError>, Refusal> {
        let placeholders: &Placeholders = &self.guest.room.placeholders;
        let placeholder = placeholders.of(&way.credential);
        Ok(match &way.injection.place {
            _ => valetkey_inject::into_head(parts, &way.injection, &loan.value, placeholder)
                .map(|_| ()),
        })
    }

    /// The whole body.
    async fn hold(&mut self) -> Result<Bytes, Refusal> {
        if let Some(body) = self.body.take() {
            self.held = Some(read(body, self.guest.room.house.limits.held_body).await?);
        }
        Ok(self.held.clone().unwrap_or_default())
    }

    async fn recorded(&self, refusal: Refusal) -> Refusal {
        let target = match self.target {
            Target::Connect(origin) => origin.to_string(),
            Target::Request {
                origin,
                method,
                path,
            } => format!("{method} {origin}{path}"),
        };
        self.guest.refused(&target, refusal).await
    }

    fn done(self, parts: &mut Parts) -> Result<Placed, Refusal> {
        let lent = &self.guest.room.lent;
        let needles = lent.needles(self.target.origin(), &self.sent)?;
        if needles.is_some() {
            valetkey_inject::ask_plain(&mut parts.headers);
        }
        if let Some(held) = &self.held {
            // It may have grown.
            let headers = &mut parts.headers;
            headers.insert(http::header::CONTENT_LENGTH, held.len().into());
        }
        Ok(Placed {
            credentials: self.credentials,
            needles,
            held: self.held,
            opening: self.opening,
            body: self.body,
        })
    }
}

async fn read(body: Incoming, limit: usize) -> Result<Bytes, Refusal> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(Code::RequestTooLarge.into());
    }
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Code::RequestTooLarge.into()),
        Err(_) => Err(Refusal::new(Code::InvalidRequest).saying("the body did not arrive whole")),
    }
}
