//! Which module answers for which source kind.

use valetkey_core::{
    Lease, LeaseId, Moment, SourceKind,
    ports::{Answer, Effect, Retraction, SourceError, Sources},
    request::Permit,
};
use valetkey_secret::IssuedToken;

use crate::SignedSource;

/// Every source of the broker.
pub struct Registry {
    signed: SignedSource,
}

impl Registry {
    /// With the broker's own signatures as the only source.
    pub const fn new(signed: SignedSource) -> Self {
        Self { signed }
    }
}

impl Sources for Registry {
    fn effect(&self, kind: SourceKind) -> Effect {
        match kind {
            SourceKind::Signed => Effect::Local,
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
        }
    }

    fn revoke<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Result<Retraction, SourceError>> {
        // A signed token is the only kind, and whoever holds one can verify it until it ends.
        Box::pin(async { Ok(Retraction::EndsAt(lease.expires)) })
    }
}
