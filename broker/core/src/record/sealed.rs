//! A record as the bytes that are promised, chained and stored.

use ring::digest;

use super::Record;

/// SHA-256 of a record's bytes: what a receipt names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordDigest([u8; 32]);

/// A record as the bytes that the ledger keeps, with their digest. Serialized once, so that what was
/// promised, what is chained and what is stored are the same bytes.
#[derive(Clone, Debug)]
pub struct SealedRecord {
    record: Record,
    bytes: Vec<u8>,
    digest: RecordDigest,
}

impl SealedRecord {
    /// Serializes and digests.
    pub fn new(record: Record) -> Result<Self, serde_json::Error> {
        let bytes = serde_json::to_vec(&record)?;
        let digest = RecordDigest::of(&bytes);
        Ok(Self {
            record,
            bytes,
            digest,
        })
    }

    /// The record.
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// Its bytes: JSON.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The digest of its bytes.
    pub const fn digest(&self) -> RecordDigest {
        self.digest
    }
}

impl RecordDigest {
    /// SHA-256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut out = [0; 32];
        out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
        Self(out)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
