//! The broker's own signing keys: kept in the keyring, named by what they are, replaced in time.
//!
//! A new key signs at once. A verifier that has not seen it yet meets an unknown `kid`, and fetches the
//! key set again, as every one of them must be able to.

mod document;
mod held;
mod pair;
mod proof;
mod shelf;
mod slot;

use std::sync::Arc;

use valetkey_core::{
    Algorithm, Moment,
    ports::{Answer, Clock, Keys, Ledger, PublicKey, SecretStore, SourceError},
};

use shelf::Shelf;
use slot::Slot;

pub(crate) use held::Held;
pub(crate) use pair::SigningKey;

/// What the configuration says of signing keys.
#[derive(Clone, Debug)]
pub struct SigningPlan {
    /// What the configured credentials are signed with. Keys of other algorithms are published while
    /// they last, and never made.
    pub algorithms: Vec<Algorithm>,
    /// How long a key signs, in seconds: 30 days unless somebody has a reason.
    pub rotate_after: u64,
}

/// The broker's own signing keys. Read from the keyring when first needed, once for any number of
/// callers; a keyring that fails is asked again by the next one.
pub struct SigningKeys {
    shelf: Shelf,
    clock: Arc<dyn Clock>,
    plan: SigningPlan,
    eddsa: Slot,
    es256: Slot,
}

impl SigningKeys {
    /// Keys in `secrets`; each new one is told to `ledger` before it is kept. Nothing is read yet.
    pub fn new(
        secrets: Arc<dyn SecretStore>,
        ledger: Arc<dyn Ledger>,
        clock: Arc<dyn Clock>,
        plan: SigningPlan,
    ) -> Self {
        Self {
            shelf: Shelf { secrets, ledger },
            clock,
            plan,
            eddsa: Slot::new(Algorithm::EdDSA),
            es256: Slot::new(Algorithm::ES256),
        }
    }

    /// The key that signs with `algorithm` at `now`. Its age is looked at here and nowhere else, so
    /// asking for the public halves never writes to the keyring of an installation that has keys.
    pub(crate) async fn signing(
        &self,
        algorithm: Algorithm,
        now: Moment,
    ) -> Result<Arc<Held>, SourceError> {
        let slot = self.slot(algorithm);
        slot.fresh(&self.shelf, self.plan.rotate_after, now).await
    }

    const fn slot(&self, algorithm: Algorithm) -> &Slot {
        match algorithm {
            Algorithm::EdDSA => &self.eddsa,
            Algorithm::ES256 => &self.es256,
        }
    }
}

impl Keys for SigningKeys {
    fn public(&self) -> Answer<'_, Result<Vec<PublicKey>, SourceError>> {
        Box::pin(async {
            let (shelf, now) = (&self.shelf, self.clock.now());
            let mut keys = Vec::new();
            for algorithm in ALGORITHMS {
                let slot = self.slot(algorithm);
                let held = if self.plan.algorithms.contains(&algorithm) {
                    Some(slot.present(shelf, now).await?)
                } else {
                    slot.existing(shelf).await?
                };
                keys.extend(held.iter().flat_map(|held| held.public(now)));
            }
            Ok(keys)
        })
    }

    fn rotate(&self) -> Answer<'_, Result<Vec<PublicKey>, SourceError>> {
        Box::pin(async {
            let (shelf, now) = (&self.shelf, self.clock.now());
            let mut made = Vec::new();
            for algorithm in ALGORITHMS {
                if self.plan.algorithms.contains(&algorithm) {
                    made.push(self.slot(algorithm).rotated(shelf, now).await?);
                }
            }
            Ok(made)
        })
    }
}

const ALGORITHMS: [Algorithm; 2] = [Algorithm::EdDSA, Algorithm::ES256];

#[cfg(test)]
mod tests;
