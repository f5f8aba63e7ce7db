//! Ledger records as values. None of them has a place for a token or a secret.

mod event;
mod sealed;

pub use event::{Event, Passed};
pub use sealed::{RecordDigest, SealedRecord};

use serde::{Deserialize, Serialize};

use crate::{RequestId, SessionId};

/// One line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When: milliseconds since the Unix epoch.
    pub at: u64,
    /// The request that it belongs to, as the caller was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// The session that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// The process that asked, as far as the ledger keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerFacts {
    /// User id.
    pub uid: u32,
    /// Process id in the broker's namespace.
    pub pid: i32,
    /// Start time in clock ticks since boot.
    pub started: u64,
}

impl From<&crate::Caller> for CallerFacts {
    fn from(caller: &crate::Caller) -> Self {
        Self {
            uid: caller.uid,
            pid: caller.pid,
            started: caller.started,
        }
    }
}
