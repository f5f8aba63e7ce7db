//! Load, save, list, leases.

use std::sync::Arc;

use super::{Answer, LedgerError};
use crate::{Lease, Session, SessionId, UserId, record::SealedRecord};

/// Which sessions are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionFilter {
    /// Those that are not over: active and suspended ones.
    Live,
    /// Those that are not over, of one user.
    LiveOfUser(UserId),
    /// Every one, newest first, at most this many.
    Recent(u32),
}

/// The sessions, durable, with the live ones at hand.
pub trait Sessions: Send + Sync {
    /// The session, if there is one. Live ones answer from memory without blocking; for others this
    /// may read the disk.
    fn load(&self, id: SessionId) -> Option<Arc<Session>>;

    /// Stores the session and the record of its change in one durable step, then shows it to
    /// [`Sessions::load`]. A change that takes authority away is shown even when the disk refuses,
    /// and the error is still returned: it then holds until the broker stops. A session that is over
    /// stays over: a later change of it is answered with [`LedgerError::SessionGone`].
    fn save(&self, session: Session, record: SealedRecord) -> Answer<'_, Result<(), LedgerError>>;

    /// The sessions that the filter means.
    fn list(&self, filter: SessionFilter) -> Answer<'_, Result<Vec<Arc<Session>>, LedgerError>>;

    /// The session's leases that have not ended at `unix_seconds`, newest first, at most 1,000.
    fn leases(
        &self,
        session: SessionId,
        unix_seconds: u64,
    ) -> Answer<'_, Result<Vec<Lease>, LedgerError>>;
}
