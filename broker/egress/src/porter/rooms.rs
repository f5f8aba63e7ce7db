//! What a sandbox is furnished with.

use std::{path::PathBuf, sync::Arc};

use valetkey_core::{
    CredentialName, Credentials, Delivery, Session, SessionId,
    ports::{Answer, Entropy, Furniture, RoomError, Rooms},
};
use valetkey_inject::Placeholders;

use crate::Egress;

/// Makes the rooms of sessions, and their placeholders.
pub struct SessionRooms {
    egress: Arc<Egress>,
    credentials: Credentials,
    entropy: Arc<dyn Entropy>,
    handover: PathBuf,
}

impl SessionRooms {
    /// Rooms of these proxies, for these credentials.
    pub fn new(
        egress: Arc<Egress>,
        credentials: Credentials,
        entropy: Arc<dyn Entropy>,
        handover: PathBuf,
    ) -> Self {
        Self {
            egress,
            credentials,
            entropy,
            handover,
        }
    }

    fn standing(&self) -> Vec<(CredentialName, String)> {
        let mut standing = Vec::new();
        for credential in self.credentials.iter() {
            if let Delivery::Inject(inject) = &credential.delivery {
                let placeholder = Placeholders::make(&inject.prefix, &*self.entropy);
                standing.push((credential.name.clone(), placeholder));
            }
        }
        standing
    }
}

impl Rooms for SessionRooms {
    fn furnish<'a>(&'a self, session: &'a Session) -> Answer<'a, Result<Furniture, RoomError>> {
        Box::pin(async move {
            let failed = |error: &dyn std::fmt::Display| RoomError::Authority(error.to_string());
            let standing = self.standing();
            let placeholders =
                Placeholders::new(standing.clone()).map_err(|error| failed(&error))?;
            let ends = Some(session.deadline);
            let room = self.egress.prepare(session.id, placeholders, ends);
            let room = room.map_err(|error| failed(&error))?;
            Ok(Furniture {
                authority: room.ca_pem,
                placeholders: standing,
                ticket: self.egress.ticket(session.id).await,
            })
        })
    }

    fn placeholder(&self, session: SessionId, credential: &str) -> Option<String> {
        let room = self.egress.room(session)?;
        let credential = CredentialName::parse(credential).ok()?;
        room.placeholders.of(&credential).map(str::to_owned)
    }

    fn handover(&self) -> PathBuf {
        self.handover.clone()
    }
}
