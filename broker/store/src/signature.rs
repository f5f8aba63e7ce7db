//! A checkpoint: a signed statement that the ledger was so long and had this hash.

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use crate::chain::{Head, LedgerId};

const LABEL: &[u8] = b"valetkey ledger checkpoint v1\0";

/// What is stored of one. Ed25519 (RFC 8032).
pub(crate) struct Checkpoint {
    pub(crate) head: Head,
    /// Milliseconds since the Unix epoch.
    pub(crate) at: u64,
    pub(crate) signature: Vec<u8>,
}

impl Checkpoint {
    pub(crate) fn sign(key: &Ed25519KeyPair, ledger: LedgerId, head: Head, at: u64) -> Self {
        Self {
            head,
            at,
            signature: key.sign(&statement(ledger, head, at)).as_ref().to_vec(),
        }
    }

    /// Whether `key` made it.
    pub(crate) fn is_by(&self, key: &Ed25519KeyPair, ledger: LedgerId) -> bool {
        UnparsedPublicKey::new(&ED25519, key.public_key())
            .verify(&statement(ledger, self.head, self.at), &self.signature)
            .is_ok()
    }
}

fn statement(ledger: LedgerId, head: Head, at: u64) -> Vec<u8> {
    let (sequence, at) = (head.sequence.to_be_bytes(), at.to_be_bytes());
    [LABEL, &ledger.0, &sequence, head.hash.as_bytes(), &at].concat()
}
