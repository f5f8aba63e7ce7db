//! What a sandbox is furnished with.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use valetkey_core::{
    CredentialName, Credentials, Delivery, Session, SessionId,
    ports::{Entropy, Furniture, RoomError, Rooms},
};
use valetkey_inject::Placeholders;

use crate::Egress;

type Standing = Vec<(CredentialName, String)>;

/// Makes the rooms of sessions, and their placeholders.
pub struct SessionRooms {
    egress: Arc<Egress>,
    credentials: Credentials,
    entropy: Arc<dyn Entropy>,
    handover: PathBuf,
    standing: Mutex<HashMap<SessionId, Standing>>,
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
            standing: Mutex::default(),
        }
    }

    /// The session is over.
    pub(super) fn clear(&self, session: SessionId) {
        self.locked().remove(&session);
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, Standing>> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rooms for SessionRooms {
    fn furnish(&self, session: &Session) -> Result<Furniture, RoomError> {
        let failed = |error: &dyn std::fmt::Display| RoomError::Authority(error.to_string());
        let mut standing = Vec::new();
        for credential in self.credentials.iter() {
            if let Delivery::Inject(inject) = &credential.delivery {
                let placeholder = Placeholders::make(&inject.prefix, &*self.entropy);
                standing.push((credential.name.clone(), placeholder));
            }
        }
        let placeholders = Placeholders::new(standing.clone()).map_err(|error| failed(&error))?;
        let ends = Some(session.deadline);
        let room = self.egress.prepare(session.id, placeholders, ends);
        let room = room.map_err(|error| failed(&error))?;
        self.locked().insert(session.id, standing.clone());
        Ok(Furniture {
            authority: room.ca_pem,
            placeholders: standing,
        })
    }

    fn placeholder(&self, session: SessionId, credential: &str) -> Option<String> {
        let standing = self.locked();
        let mut all = standing.get(&session)?.iter();
        let (_, placeholder) = all.find(|(name, _)| name.as_str() == credential)?;
        Some(placeholder.clone())
    }

    fn handover(&self) -> PathBuf {
        self.handover.clone()
    }
}
