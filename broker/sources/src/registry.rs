//! Which module answers for which source kind.

use valetkey_core::{
    Lease, LeaseId, Moment, SourceKind,
    ports::{Answer, Effect, Retraction, SourceError, Sources},
    request::Permit,
};
use valetkey_secret::IssuedToken;

use crate::{KeptSource, SignedSource};

/// Every source of the broker.
pub struct Registry {
    signed: SignedSource,
    kept: KeptSource,
}

impl Registry {
    /// Of these.
    pub const fn new(signed: SignedSource, kept: KeptSource) -> Self {
        Self { signed, kept }
    }
}

impl Sources for Registry {
    fn effect(&self, kind: SourceKind) -> Effect {
        match kind {
            SourceKind::Signed | SourceKind::Static | SourceKind::Network => Effect::Local,
        }
    }

    fn obtain<'a>(
        &'a self,
        permit: &'a Permit,
        lease: LeaseId,
        now: Moment,
    ) -> Answer<'a, Result<IssuedToken, SourceError>> {
        match permit.credential().source {
            SourceKind::Signed => Box::pin(self.signed.obtain(permit, lease, now)),
            SourceKind::Static => Box::pin(self.kept.obtain(permit)),
            SourceKind::Network => Box::pin(async { Ok(IssuedToken::none()) }),
        }
    }

    fn revoke<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Result<Retraction, SourceError>> {
        // Whoever holds a signed token can verify it until it ends. A loan and a pass are the proxy's, and
        // end with the session's door.
        Box::pin(async { Ok(Retraction::EndsAt(lease.expires)) })
    }
}
