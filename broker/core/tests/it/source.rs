//! A source during which something else can happen.

use std::sync::{Mutex, PoisonError};

use valetkey_core::{
    Lease, LeaseId, Moment, SourceKind,
    ports::{Answer, Effect, Retraction, SourceError, Sources},
    request::Permit,
};
use valetkey_secret::IssuedToken;
use valetkey_support::fakes::sources::FakeSources;

/// A [`FakeSources`] that may be held up or fail, once.
pub(crate) struct EventfulSource {
    pub(crate) fake: FakeSources,
    meanwhile: Mutex<Option<Answer<'static, ()>>>,
    failure: Mutex<Option<SourceError>>,
}

impl EventfulSource {
    pub(crate) fn new(effect: Effect) -> Self {
        Self {
            fake: FakeSources::new(effect),
            meanwhile: Mutex::new(None),
            failure: Mutex::new(None),
        }
    }

    /// This happens after the next token was obtained, and before the broker hears of it.
    pub(crate) fn meanwhile(&self, event: Answer<'static, ()>) {
        *self
            .meanwhile
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(event);
    }

    /// The next token cannot be obtained.
    pub(crate) fn fail(&self, error: SourceError) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }
}

impl Sources for EventfulSource {
    fn effect(&self, kind: SourceKind) -> Effect {
        self.fake.effect(kind)
    }

    fn obtain<'a>(
        &'a self,
        permit: &'a Permit,
        lease: LeaseId,
        now: Moment,
    ) -> Answer<'a, Result<IssuedToken, SourceError>> {
        Box::pin(async move {
            let failure = self
                .failure
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some(error) = failure {
                return Err(error);
            }
            let token = self.fake.obtain(permit, lease, now).await;
            let event = self
                .meanwhile
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some(event) = event {
                event.await;
            }
            token
        })
    }

    fn revoke<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Result<Retraction, SourceError>> {
        self.fake.revoke(lease)
    }
}
