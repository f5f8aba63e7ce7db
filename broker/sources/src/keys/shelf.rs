//! Where keys are kept, and where it is written down that one was made.

use std::sync::Arc;

use valetkey_core::{
    Event, Moment, Record,
    ports::{Ledger, PublicKey, SecretStore, SourceError},
    record::SealedRecord,
};

pub(super) struct Shelf {
    pub(super) secrets: Arc<dyn SecretStore>,
    pub(super) ledger: Arc<dyn Ledger>,
}

impl Shelf {
    /// Records that `key` is about to be kept. No key without its record.
    pub(super) async fn note(&self, key: &PublicKey, now: Moment) -> Result<(), SourceError> {
        let made = Record {
            at: now.unix_ms,
            request: None,
            session: None,
            event: Event::SigningKeyMade {
                kid: key.kid.clone(),
                algorithm: key.algorithm.id().to_owned(),
            },
        };
        let sealed = SealedRecord::new(made)
            .map_err(|error| SourceError::Failed(format!("a record was not made: {error}")))?;
        self.ledger.record(sealed).await?;
        Ok(())
    }
}
