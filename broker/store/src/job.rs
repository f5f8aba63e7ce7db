//! What the writer is asked to store.

use std::sync::Arc;

use tokio::sync::oneshot;
use valetkey_core::{
    AccountName, Approval, Event, LockHolder, Session, SessionState,
    approval::{Ending, State},
    ports::ApprovalError,
    record::SealedRecord,
};

use crate::signature::Checkpoint;

/// The place of the record, or why there is none. Only a change of an approval meets with a conflict.
pub(crate) type Outcome = Result<u64, ApprovalError>;

/// One change, and who waits for it.
pub(crate) struct Job {
    /// Boxed, so that a queue of thousands of places is small while it is empty.
    pub(crate) change: Box<Change>,
    pub(crate) reply: oneshot::Sender<Outcome>,
}

/// Something to be stored as a whole or not at all.
pub(crate) enum Change {
    /// A record.
    Record(SealedRecord),
    /// A session as it is from now on, and in JSON.
    Session(Arc<Session>, String, SealedRecord),
    /// A login as it is from now on, in JSON, and whether it is dead.
    Login {
        account: AccountName,
        login: String,
        dead: bool,
        record: SealedRecord,
    },
    /// A login is gone.
    Logout(AccountName, SealedRecord),
    /// An approval as it is from now on, and in JSON.
    Approval(Arc<Approval>, String, SealedRecord),
    /// A lock as it is from now on, in JSON, or that it is lifted.
    Lock {
        holder: LockHolder,
        lock: Option<String>,
        /// How often its holder had taken it when this was queued.
        taken: u64,
        record: SealedRecord,
    },
    /// What stands up to here is vouched for; leases that have ended by then may go.
    Checkpoint(Checkpoint),
}

impl Change {
    /// Whether it takes authority away. Such a change may use the last room on the disk, and is
    /// queued even while the disk does not answer.
    pub(crate) fn takes_away(&self) -> bool {
        match self {
            Self::Record(record) => {
                matches!(record.record().event, Event::RevocationOrdered { .. })
            }
            Self::Session(session, ..) => session.state != SessionState::Active,
            Self::Login { dead, .. } => *dead,
            Self::Logout(..) => true,
            Self::Approval(approval, ..) => takes_back(&approval.state),
            Self::Lock { lock, .. } => lock.is_some(),
            Self::Checkpoint(_) => false,
        }
    }
}

/// An answer that is used up, or a time that is over, needs no room: where the disk is full nothing is
/// given for it anyway, and time passes without a record.
const fn takes_back(state: &State) -> bool {
    match state {
        State::Open { .. } | State::Granted { .. } => false,
        State::Refused { .. } => true,
        State::Over { ending, .. } => match ending {
            Ending::Withdrawn | Ending::PolicyChanged | Ending::TakenBack => true,
            Ending::NotPut | Ending::Expired | Ending::Used | Ending::Lapsed => false,
        },
    }
}
