//! Record.

use super::Answer;
use crate::record::{RecordDigest, SealedRecord};

/// Proof that a record is durable, naming it. Only a ledger makes one.
#[derive(Debug)]
pub struct Receipt {
    sequence: u64,
    digest: RecordDigest,
}

impl Receipt {
    /// For the ledger: what was stored, and where.
    pub const fn new(sequence: u64, digest: RecordDigest) -> Self {
        Self { sequence, digest }
    }

    /// The record's place in the ledger, counted from 1.
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The digest of the record that was stored.
    pub const fn digest(&self) -> RecordDigest {
        self.digest
    }
}

/// Why a record is not known to be durable. Each means that nothing may be released.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The disk refused.
    #[error("the ledger cannot be written: {0}")]
    Unwritable(String),
    /// The disk did not answer in time. The record may still be stored.
    #[error("the ledger did not answer in time")]
    Slow,
    /// A token's record came after the record that took its session or its approval away, or locked the
    /// machine. Nothing was stored.
    #[error("the session is no longer active")]
    SessionGone,
}

/// The append-only audit log.
pub trait Ledger: Send + Sync {
    /// Stores one record durably, in order, bound to the one before. Answers within a fixed bound.
    /// Not idempotent. Dropping the future may leave the record stored, which is the safe side: a
    /// record without a token.
    ///
    /// A [`crate::Event::TokenIssued`] is stored only while its session is active in the *same*
    /// order of events, so no token is recorded after its session's revocation, while a lock is held, or
    /// after the approval that it took was taken back.
    fn record(&self, record: SealedRecord) -> Answer<'_, Result<Receipt, LedgerError>>;
}
