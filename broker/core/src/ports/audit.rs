//! Read the ledger back.

use super::{Answer, LedgerError};

/// One stored record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place, counted from 1.
    pub sequence: u64,
    /// The record's bytes: JSON, as it was promised to the ledger.
    pub record: Vec<u8>,
    /// The chained hash of everything up to and with this record, in hexadecimal.
    pub hash: String,
}

/// What a walk over the whole ledger found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// How many records there are.
    pub records: u64,
    /// How many checkpoints there are, and their signatures were looked at.
    pub checkpoints: u64,
    /// Up to which record a signed checkpoint or the anchor in the keyring vouches that nothing was
    /// cut from the end.
    pub anchored: u64,
    /// The hash of the last record, in hexadecimal: to be kept elsewhere and compared.
    pub head: String,
    /// Everything that is wrong, in the order of the ledger. Empty: it is whole.
    pub faults: Vec<Fault>,
    /// What could not be looked at, such as an anchor in a locked keyring.
    pub unknown: Vec<String>,
}

/// One thing that is wrong with the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The record's place.
    pub sequence: u64,
    /// What is wrong, in words.
    pub what: String,
}

/// The ledger, for reading.
pub trait Audit: Send + Sync {
    /// Entries after `sequence`, at most `limit`, oldest first.
    fn after(&self, sequence: u64, limit: u32) -> Answer<'_, Result<Vec<Entry>, LedgerError>>;

    /// The last entry's place; 0 where there is none. Ready at once where it is beyond `seen`, else
    /// as soon as it is.
    fn grown_beyond(&self, seen: u64) -> Answer<'_, u64>;

    /// Walks the whole ledger: hashes, places, checkpoints and the anchor. Takes about a second for
    /// a million records.
    fn verify(&self) -> Answer<'_, Result<Verification, LedgerError>>;
}
