//! Obtain, revoke.

use valetkey_secret::IssuedToken;

use super::{Answer, LedgerError};
use crate::{Lease, LeaseId, Moment, SourceKind, StoreError, request::Permit};

/// Whether obtaining a token acts on anything outside the broker. Where it does, the intent is
/// recorded durably before; where it does not, intent and outcome share one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing outside changes: a signature of our own.
    Local,
    /// Another server will know of the token.
    Upstream,
}

/// Why no token was obtained. Each is a refusal.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The long-lived secret could not be read.
    #[error(transparent)]
    Secret(#[from] StoreError),
    /// A new key could not be recorded, so it is not used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The server that issues does not answer.
    #[error("upstream does not answer: {0}")]
    Unavailable(String),
    /// The token could not be made.
    #[error("the token could not be made: {0}")]
    Failed(String),
}

/// What taking a lease back came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retraction {
    /// Whoever verifies it is told; it is dead.
    Revoked,
    /// It cannot be taken back and ends by itself: seconds since the Unix epoch.
    EndsAt(u64),
}

/// Where short-lived tokens come from.
pub trait Sources: Send + Sync {
    /// Whether obtaining from `kind` acts outside the broker.
    fn effect(&self, kind: SourceKind) -> Effect;

    /// Obtains what the permit allows, and nothing more, as lease `lease` at `now`. Dropping the
    /// future may leave a token that nobody holds; for [`Effect::Upstream`] the recorded intent tells
    /// of it.
    fn obtain<'a>(
        &'a self,
        permit: &'a Permit,
        lease: LeaseId,
        now: Moment,
    ) -> Answer<'a, Result<IssuedToken, SourceError>>;

    /// Takes a lease back as far as its source can. Idempotent.
    fn revoke<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Result<Retraction, SourceError>>;
}
