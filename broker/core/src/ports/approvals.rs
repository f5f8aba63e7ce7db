//! Questions and their answers, kept.

use std::sync::Arc;

use super::{Answer, LedgerError};
use crate::{Approval, ApprovalId, Moment, SessionId, record::SealedRecord};

/// Why an approval was not stored. Each means that it is not as the caller thought.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalError {
    /// The ledger does not take it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Somebody else changed it first: how it is now. For a new question: an open one of the same
    /// session that covers it.
    #[error("it was changed by somebody else")]
    Conflict(Arc<Approval>),
    /// There is none of that id: its session is over.
    #[error("there is no such approval")]
    Unknown,
}

/// One approval and when an answer of it was last used.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The approval.
    pub approval: Arc<Approval>,
    /// When its answer was last used; when it was given, where it was not, or where the broker was
    /// restarted since.
    pub used: Moment,
}

/// The approvals of sessions that are not over, durable, with all of them at hand.
pub trait Approvals: Send + Sync {
    /// Those of one session, or of all, oldest first, whatever their state. From memory, without
    /// blocking. Once a session is over, its approvals are not here any more.
    fn list(&self, session: Option<SessionId>) -> Vec<Kept>;

    /// Stores an approval with the record of its change in one durable step, then shows it. The stored
    /// one must be of the revision before; a new question (revision 1) must not be covered, as
    /// [`Asked::covers`](crate::approval::Asked::covers) says, by an open one of its session. Of two that race, the first is stored and the second told
    /// [`ApprovalError::Conflict`]. Where its session is over: [`LedgerError::SessionGone`].
    fn save(
        &self,
        approval: Approval,
        record: SealedRecord,
    ) -> Answer<'_, Result<(), ApprovalError>>;

    /// Notes that an answer was used. In memory alone: after a restart it counts from its beginning,
    /// which only makes it lapse sooner.
    fn touch(&self, approval: ApprovalId, now: Moment);

    /// A number that is 1 when the broker starts and grows with every change of [`Approvals::list`],
    /// the end of a session that takes its approvals along included. Ready at once where it is beyond
    /// `seen`, so for 0 always; else as soon as it is.
    fn changed(&self, seen: u64) -> Answer<'_, u64>;
}
