//! The keys of one algorithm: read once, made once, replaced one at a time.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Mutex;
use valetkey_core::{
    Algorithm, Moment,
    ports::{PublicKey, SecretKey, SourceError, StoreError},
};
use valetkey_secret::{Destination, SigningSeed};

use super::{document, held::Held, pair::SigningKey, proof, shelf::Shelf};

/// Most keys that are published at a time. Past that, on-demand rotation is refused: a verifier's key
/// set stays small, and so does the keyring's entry.
const PUBLISHED_LIMIT: usize = 16;
/// How long after a rotation by age has failed it is tried again, in milliseconds.
const RETRY: u64 = 60_000;

pub(super) struct Slot {
    algorithm: Algorithm,
    entry: SecretKey,
    known: RwLock<Known>,
    /// Held by whoever reads, makes or replaces keys; with it, when replacing last failed.
    flight: Mutex<Option<Moment>>,
}

#[derive(Clone)]
enum Known {
    Unread,
    Absent,
    Held(Arc<Held>),
}

impl Slot {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        Self {
            algorithm,
            entry: SecretKey::Signing(algorithm),
            known: RwLock::new(Known::Unread),
            flight: Mutex::new(None),
        }
    }

    /// The keys, read if they were not, made if there are none.
    pub(super) async fn present(
        &self,
        shelf: &Shelf,
        now: Moment,
    ) -> Result<Arc<Held>, SourceError> {
        if let Known::Held(held) = self.known() {
            return Ok(held);
        }
        let _flight = self.flight.lock().await;
        match self.looked_up(shelf).await? {
            Some(held) => Ok(held),
            None => self.make(shelf, Vec::new(), now).await,
        }
    }

    /// The keys if there are any, read if they were not.
    pub(super) async fn existing(&self, shelf: &Shelf) -> Result<Option<Arc<Held>>, SourceError> {
        match self.known() {
            Known::Held(held) => Ok(Some(held)),
            Known::Absent => Ok(None),
            Known::Unread => {
                let _flight = self.flight.lock().await;
                self.looked_up(shelf).await
            }
        }
    }

    /// As [`present`](Self::present), with a key that has signed for less than `age` seconds where
    /// that can be had. Where it cannot, the earlier key goes on signing: it is old, not broken. One
    /// caller replaces it, the others do not wait.
    pub(super) async fn fresh(
        &self,
        shelf: &Shelf,
        age: u64,
        now: Moment,
    ) -> Result<Arc<Held>, SourceError> {
        let held = self.present(shelf, now).await?;
        if !held.is_older(age, now) {
            return Ok(held);
        }
        let Ok(mut failed) = self.flight.try_lock() else {
            return Ok(held);
        };
        if failed.is_some_and(|failed| now.ms_since(failed) < RETRY) {
            return Ok(held);
        }
        match self.replace(shelf, Some(age), now).await {
            Ok(fresh) => Ok(fresh),
            Err(error) => {
                *failed = Some(now);
                tracing::warn!(
                    algorithm = self.algorithm.id(),
                    %error,
                    "the signing key is due to be rotated and goes on signing"
                );
                Ok(held)
            }
        }
    }

    /// A new key that signs from now on.
    pub(super) async fn rotated(
        &self,
        shelf: &Shelf,
        now: Moment,
    ) -> Result<PublicKey, SourceError> {
        let _flight = self.flight.lock().await;
        let held = self.replace(shelf, None, now).await?;
        Ok(held.signing.public().clone())
    }

    /// Makes a new key, and publishes on what the keyring holds and what is held here: they differ
    /// where a write took effect that was reported as failed. With `age`, a key of the keyring that is
    /// younger is taken up instead.
    async fn replace(
        &self,
        shelf: &Shelf,
        age: Option<u64>,
        now: Moment,
    ) -> Result<Arc<Held>, SourceError> {
        let held = match self.known() {
            Known::Held(held) => Some(held),
            Known::Unread | Known::Absent => None,
        };
        let stored = self.read(shelf).await?;
        let mut published: Vec<_> = held.iter().flat_map(|held| held.retired(now)).collect();
        match stored {
            Some(mut stored) if age.is_some_and(|age| !stored.is_older(age, now)) => {
                let signing = stored.signing.public().kid.clone();
                published.retain(|key| key.kid != signing);
                add_missing(&mut published, stored.public(now).skip(1));
                stored.published = published;
                Ok(self.hold(stored))
            }
            stored => {
                add_missing(
                    &mut published,
                    stored.iter().flat_map(|held| held.retired(now)),
                );
                self.make(shelf, published, now).await
            }
        }
    }

    async fn make(
        &self,
        shelf: &Shelf,
        published: Vec<PublicKey>,
        now: Moment,
    ) -> Result<Arc<Held>, SourceError> {
        if published.len() > PUBLISHED_LIMIT {
            return Err(SourceError::Failed(format!(
                "{PUBLISHED_LIMIT} earlier keys still verify tokens; rotate again in an hour"
            )));
        }
        let created = now.unix_seconds();
        let pkcs8 = SigningKey::generate(self.algorithm)?;
        let document = document::write(pkcs8.as_ref(), created, &published)
            .ok_or_else(|| SourceError::Failed("the new key cannot be written down".to_owned()))?;
        let held = document::read(self.algorithm, &document).ok_or_else(|| self.unreadable())?;
        proof::verifies(&held.signing)?;
        shelf.note(held.signing.public(), now).await?;
        // Nothing is signed with a key that the next run would not know.
        let seed = SigningSeed::new(document);
        shelf.secrets.write(&self.entry, seed.into_root()).await?;
        Ok(self.hold(held))
    }

    async fn looked_up(&self, shelf: &Shelf) -> Result<Option<Arc<Held>>, SourceError> {
        match self.known() {
            Known::Held(held) => return Ok(Some(held)),
            Known::Absent => return Ok(None),
            Known::Unread => {}
        }
        match self.read(shelf).await? {
            Some(held) => Ok(Some(self.hold(held))),
            None => {
                self.remember(Known::Absent);
                Ok(None)
            }
        }
    }

    async fn read(&self, shelf: &Shelf) -> Result<Option<Held>, SourceError> {
        let seed = match shelf.secrets.read(&self.entry).await {
            Ok(secret) => secret.into_signing_seed(),
            Err(StoreError::NoEntry) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let held = seed.disclose(Destination::Signer, |bytes| {
            document::read(self.algorithm, bytes)
        });
        let held = held.ok_or_else(|| self.unreadable())?;
        proof::verifies(&held.signing)?;
        Ok(Some(held))
    }

    /// Never overwritten: a newer version may have written it.
    fn unreadable(&self) -> SourceError {
        SourceError::Failed(format!(
            "the keyring entry `{}` is no key document that this version reads; use the version \
             that wrote it, or remove the entry to have a new key made",
            self.entry
        ))
    }

    fn hold(&self, held: Held) -> Arc<Held> {
        let held = Arc::new(held);
        self.remember(Known::Held(Arc::clone(&held)));
        held
    }

    fn known(&self) -> Known {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn remember(&self, known: Known) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
    }
}

fn add_missing(to: &mut Vec<PublicKey>, more: impl IntoIterator<Item = PublicKey>) {
    for key in more {
        if !to.iter().any(|known| known.kid == key.kid) {
            to.push(key);
        }
    }
}
