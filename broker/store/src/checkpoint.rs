//! Checkpoints: how anybody can tell later that the end of the ledger was cut off.
//!
//! The chain shows an edit, a gap or a swap, but a chain that is cut at its end is a shorter chain
//! that is whole. So every now and then the head of the chain is signed with a key that only the
//! keyring holds, and the place and hash of the last signed head are kept in the keyring too: whoever
//! cuts the ledger back beyond it, and deletes the signed rows with it, still contradicts the keyring.
//!
//! What was recorded after the last checkpoint can be cut without a trace once the broker is not
//! running. [`Options::checkpoint_after`](crate::Options::checkpoint_after) bounds how much that is;
//! the broker also makes one when it stops. While it runs, it remembers its last record and
//! `verify` compares.

use rusqlite::{Connection, OptionalExtension as _};
use valetkey_core::{
    Moment,
    ports::{LedgerError, SecretKey, StoreError},
};

use crate::{
    Store,
    anchor::{Anchor, AnchorError},
    chain::{Hash, Head},
    job::Change,
    key,
    signature::Checkpoint,
};

/// Why no checkpoint was made. Records are stored all the same.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The keyring cannot be used now; the next attempt may succeed.
    #[error(transparent)]
    Keyring(#[from] StoreError),
    /// The keyring's entry is not one of ours.
    #[error(
        "the keyring's entry `{}` is damaged; after `valetkey audit verify`, remove it",
        SecretKey::Ledger
    )]
    Damaged,
    /// The ledger is not the one that was vouched for before. It is not vouched for again, so that
    /// the contradiction stays to be seen.
    #[error("the ledger contradicts its checkpoint at record {0}; run `valetkey audit verify`")]
    Contradicted(u64),
    /// The database did not do as asked.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// How far the ledger is vouched for, and when that was last attempted.
pub(crate) struct Vouched {
    pub(crate) until: u64,
    pub(crate) tried: Moment,
    pub(crate) failed: bool,
}

impl Store {
    /// Vouches for everything that is recorded now; does nothing where that is done already. Gives
    /// back the last record that is vouched for, 0 where there is none.
    ///
    /// Reads and writes the keyring, but never makes it ask anybody to unlock it. Dropping the future
    /// may leave it done in part, which the next call completes.
    pub async fn checkpoint(&self) -> Result<u64, CheckpointError> {
        let mut vouched = self.vouched.lock().await;
        self.vouch(&mut vouched).await
    }

    /// The same, where it is time: enough records, or a record that has waited long enough. To be
    /// called every second or so; costs nothing where there is nothing to do.
    pub async fn checkpoint_when_due(&self) -> Result<u64, CheckpointError> {
        let mut vouched = self.vouched.lock().await;
        let waiting = self.head().sequence.saturating_sub(vouched.until);
        let waited = self.options.clock.now().ms_since(vouched.tried);
        let long = u128::from(waited) >= self.options.checkpoint_after.as_millis();
        let many = waiting >= self.options.checkpoint_every && !vouched.failed;
        if waiting == 0 || !(long || many) {
            return Ok(vouched.until);
        }
        self.vouch(&mut vouched).await
    }

    async fn vouch(&self, vouched: &mut Vouched) -> Result<u64, CheckpointError> {
        let head = self.head();
        if head.sequence > vouched.until {
            vouched.tried = self.options.clock.now();
            vouched.failed = true;
            self.sign(head).await?;
            vouched.failed = false;
            vouched.until = head.sequence;
        }
        Ok(vouched.until)
    }

    async fn sign(&self, head: Head) -> Result<(), CheckpointError> {
        let keyring = &*self.options.secrets;
        let mut anchor = match Anchor::read(keyring).await? {
            Some(anchor) => anchor,
            None => Anchor::create(keyring, &*self.options.entropy).await?,
        };
        if let Some(before) = anchor.mark(self.ledger) {
            let place = before.sequence;
            let stored = self.readers.read(move |db| hash_at(db, place)).await?;
            if stored != Some(before.hash) {
                return Err(CheckpointError::Contradicted(place));
            }
        }
        let at = self.options.clock.now().unix_ms;
        let checkpoint = Checkpoint::sign(&anchor.key, self.ledger, head, at);
        self.queue.store(Change::Checkpoint(checkpoint)).await?;
        anchor.advance(self.ledger, head);
        anchor.write(keyring).await?;
        Ok(())
    }
}

fn hash_at(db: &Connection, sequence: u64) -> rusqlite::Result<Option<Hash>> {
    let mut statement = db.prepare_cached("SELECT hash FROM records WHERE sequence = ?1")?;
    let row = statement.query_row([key::integer(sequence)?], |row| {
        Ok(Hash::from_slice(
            row.get_ref(0)?.as_bytes().unwrap_or_default(),
        ))
    });
    row.optional().map(Option::flatten)
}

impl From<AnchorError> for CheckpointError {
    fn from(error: AnchorError) -> Self {
        match error {
            AnchorError::Keyring(error) => Self::Keyring(error),
            AnchorError::Damaged => Self::Damaged,
        }
    }
}
