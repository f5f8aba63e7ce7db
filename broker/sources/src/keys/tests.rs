use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::future::join_all;
use tokio::sync::Barrier;
use valetkey_core::{
    Algorithm, Boot, Event, Moment,
    ports::{
        Answer, Clock as _, Keys as _, LedgerError, PublicKey, SecretKey, SecretStore, SourceError,
        StoreError, StoreReport,
    },
};
use valetkey_secret::{Destination, RootSecret};
use valetkey_support::{
    MovableClock,
    fakes::{ledger::MemoryLedger, secret_store::FakeSecretStore},
};
use zeroize::Zeroizing;

use super::{ALGORITHMS, SigningKeys, SigningPlan, held::OVERLAP};

const DAY: u64 = 86_400;
const ED: Algorithm = Algorithm::EdDSA;

struct World {
    store: Arc<FakeSecretStore>,
    clock: Arc<MovableClock>,
    ledger: Arc<MemoryLedger>,
    keys: SigningKeys,
}

impl World {
    fn new(algorithms: &[Algorithm]) -> Self {
        Self::with(Arc::default(), Arc::default(), algorithms)
    }

    fn with(
        store: Arc<FakeSecretStore>,
        clock: Arc<MovableClock>,
        algorithms: &[Algorithm],
    ) -> Self {
        let plan = SigningPlan {
            algorithms: algorithms.to_vec(),
            rotate_after: 30 * DAY,
        };
        let ledger = Arc::new(MemoryLedger::default());
        let keys = SigningKeys::new(store.clone(), ledger.clone(), clock.clone(), plan);
        Self {
            store,
            clock,
            ledger,
            keys,
        }
    }

    /// The broker is started again with the same keyring.
    fn restart(self, algorithms: &[Algorithm]) -> Self {
        Self::with(self.store, self.clock, algorithms)
    }

    async fn signing(&self) -> Result<PublicKey, SourceError> {
        let held = self.keys.signing(ED, self.clock.now()).await?;
        Ok(held.signing.public().clone())
    }

    async fn kid(&self) -> String {
        self.signing().await.unwrap().kid
    }

    async fn published(&self) -> Vec<String> {
        let public = self.keys.public().await.unwrap();
        public.into_iter().map(|key| key.kid).collect()
    }

    fn document(&self) -> String {
        String::from_utf8(self.store.stored(&SecretKey::Signing(ED)).unwrap()).unwrap()
    }

    /// The private half, as the keyring has it.
    fn private_half(&self) -> String {
        let document = self.document();
        let begin = document.split("\"pkcs8\":\"").nth(1).unwrap();
        begin.split('"').next().unwrap().to_owned()
    }
}

#[tokio::test]
async fn the_same_keys_are_used_after_a_restart() {
    let world = World::new(&ALGORITHMS);
    let before = world.keys.public().await.unwrap();
    assert_eq!(before.len(), 2);
    let world = world.restart(&ALGORITHMS);
    assert_eq!(world.keys.public().await.unwrap(), before);
}

#[tokio::test]
async fn only_what_is_configured_is_made() {
    let world = World::new(&[ED]);
    assert_eq!(world.published().await.len(), 1);
    assert!(
        world
            .store
            .stored(&SecretKey::Signing(Algorithm::ES256))
            .is_none()
    );
    assert_eq!(world.keys.rotate().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_algorithm_that_is_no_longer_configured_is_still_published() {
    let world = World::new(&ALGORITHMS);
    let both = world.published().await;
    let world = world.restart(&[ED]);
    assert_eq!(world.published().await, both);
}

#[tokio::test]
async fn public_halves_are_answered_from_memory() {
    let world = World::new(&[ED]);
    let before = world.published().await;
    world.store.fail_with(StoreError::Locked);
    assert_eq!(world.published().await, before);
    assert_eq!(vec![world.kid().await], before);
}

#[tokio::test]
async fn a_locked_keyring_is_an_error_and_works_once_unlocked() {
    let world = World::new(&[ED]);
    for error in [
        StoreError::Locked,
        StoreError::Slow(5),
        StoreError::Absent(String::new()),
        StoreError::Denied(String::new()),
    ] {
        world.store.fail_with(error.clone());
        let signing = world.signing().await.unwrap_err();
        assert!(matches!(signing, SourceError::Secret(seen) if seen == error));
        let public = world.keys.public().await.unwrap_err();
        assert!(matches!(public, SourceError::Secret(seen) if seen == error));
        let rotated = world.keys.rotate().await.unwrap_err();
        assert!(matches!(rotated, SourceError::Secret(seen) if seen == error));
    }
    world.store.fail_with(None);
    assert!(world.signing().await.is_ok());
}

#[tokio::test]
async fn a_replaced_key_verifies_for_as_long_as_its_tokens_live() {
    let world = World::new(&[ED]);
    let old = world.kid().await;
    let new = world.keys.rotate().await.unwrap().remove(0).kid;
    assert_ne!(new, old);
    assert_eq!(world.kid().await, new);
    let both = vec![new.clone(), old.clone()];
    assert_eq!(world.published().await, both);

    world.clock.pass_seconds(OVERLAP - 1);
    assert_eq!(world.published().await, both);
    let world = world.restart(&[ED]);
    assert_eq!(world.published().await, both, "after a restart");
    world.clock.pass_seconds(1);
    assert_eq!(world.published().await, vec![new]);
}

#[tokio::test]
async fn a_replaced_key_loses_its_private_half() {
    let world = World::new(&[ED]);
    world.kid().await;
    let private = world.private_half();
    world.keys.rotate().await.unwrap();
    assert!(!world.document().contains(&private));
}

#[tokio::test]
async fn what_has_retired_leaves_the_keyring_too() {
    let world = World::new(&[ED]);
    let first = world.signing().await.unwrap();
    world.keys.rotate().await.unwrap();
    assert!(world.document().contains(&first.x));
    world.clock.pass_seconds(OVERLAP);
    world.keys.rotate().await.unwrap();
    assert!(!world.document().contains(&first.x));
}

#[tokio::test]
async fn a_key_is_replaced_when_it_is_old() {
    let world = World::new(&[ED]);
    let old = world.kid().await;
    world.clock.pass_seconds(30 * DAY - 1);
    assert_eq!(world.kid().await, old);
    world.clock.pass_seconds(1);
    let new = world.kid().await;
    assert_ne!(new, old);
    assert_eq!(world.published().await, vec![new, old]);
}

/// An old key is old, not broken.
#[tokio::test]
async fn a_keyring_that_fails_does_not_stop_an_old_key() {
    let world = World::new(&[ED]);
    let old = world.kid().await;
    world.store.fail_with(StoreError::Locked);
    world.clock.pass_seconds(30 * DAY);
    assert_eq!(world.kid().await, old);
    world.store.fail_with(None);
    world.clock.pass_seconds(59);
    assert_eq!(world.kid().await, old, "it is not tried for every token");
    world.clock.pass_seconds(1);
    assert_ne!(world.kid().await, old);
}

#[tokio::test]
async fn a_clock_that_is_set_back_replaces_nothing() {
    let world = World::new(&[ED]);
    let old = world.kid().await;
    world.clock.change(|now| {
        *now = Moment {
            unix_ms: 0,
            boot_us: now.boot_us,
            boot: Boot(9),
        };
    });
    assert_eq!(world.kid().await, old);
}

/// A write that took effect although it was reported as failed: the key that signs here is published
/// on, and the next rotation takes up what the keyring holds.
#[tokio::test]
async fn a_write_of_unknown_outcome_loses_no_key() {
    let world = World::new(&[ED]);
    let old = world.kid().await;
    world.clock.pass_seconds(30 * DAY);
    let other = World::with(world.store.clone(), world.clock.clone(), &[ED]);
    let stored = other.kid().await;
    assert_ne!(stored, old);
    world.clock.pass_seconds(1000);
    assert_eq!(world.kid().await, stored, "taken up");
    world.clock.pass_seconds(OVERLAP - 1);
    assert_eq!(
        world.published().await,
        vec![stored, old],
        "it signed until now"
    );
}

#[tokio::test]
async fn an_entry_that_somebody_removed_is_written_anew() {
    let world = World::new(&[ED]);
    let old = world.kid().await;
    world.store.delete(&SecretKey::Signing(ED)).await.unwrap();
    let new = world.keys.rotate().await.unwrap().remove(0).kid;
    let world = world.restart(&[ED]);
    assert_eq!(world.published().await, vec![new, old]);
}

#[tokio::test]
async fn rotation_on_demand_has_a_limit() {
    let world = World::new(&[ED]);
    world.kid().await;
    let mut made = 0;
    let refused = loop {
        match world.keys.rotate().await {
            Ok(_) => made += 1,
            Err(error) => break error,
        }
        assert!(made <= 100);
    };
    assert_eq!(made, 16);
    assert!(
        refused.to_string().contains("rotate again in an hour"),
        "{refused}"
    );
    world.clock.pass_seconds(OVERLAP);
    assert!(world.keys.rotate().await.is_ok());
}

#[tokio::test]
async fn what_cannot_be_read_is_neither_replaced_nor_told() {
    let world = World::new(&[ED]);
    world.kid().await;
    let private = world.private_half();
    let broken = world.document().replace("\"created\":", "\"erected\":");
    let secret = RootSecret::new(Zeroizing::new(broken.clone().into_bytes()));
    world
        .store
        .write(&SecretKey::Signing(ED), secret)
        .await
        .unwrap();
    let world = world.restart(&[ED]);
    for error in [
        world.signing().await.unwrap_err(),
        world.keys.public().await.unwrap_err(),
        world.keys.rotate().await.unwrap_err(),
    ] {
        let said = format!("{error} {error:?}");
        assert!(said.contains("signing/EdDSA"), "{said}");
        let (_, part) = private.split_at(private.len() - 40);
        assert!(!said.contains(part), "{said}");
    }
    assert_eq!(world.document(), broken);
}

/// A keyring that answers nobody until everybody is there.
struct Crowded {
    store: FakeSecretStore,
    doors: Barrier,
    reads: AtomicUsize,
    writes: AtomicUsize,
}

impl SecretStore for Crowded {
    fn read<'a>(&'a self, key: &'a SecretKey) -> Answer<'a, Result<RootSecret, StoreError>> {
        Box::pin(async move {
            self.reads.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            self.store.read(key).await
        })
    }

    fn write<'a>(
        &'a self,
        key: &'a SecretKey,
        secret: RootSecret,
    ) -> Answer<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.writes.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            self.store.write(key, secret).await
        })
    }

    fn delete<'a>(&'a self, key: &'a SecretKey) -> Answer<'a, Result<(), StoreError>> {
        self.store.delete(key)
    }

    fn inspect(&self) -> Answer<'_, StoreReport> {
        self.store.inspect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_first_requests_make_one_key() {
    let store = Arc::new(Crowded {
        store: FakeSecretStore::default(),
        doors: Barrier::new(100),
        reads: AtomicUsize::new(0),
        writes: AtomicUsize::new(0),
    });
    let clock = Arc::new(MovableClock::default());
    let now = clock.now();
    let plan = SigningPlan {
        algorithms: vec![ED],
        rotate_after: DAY,
    };
    let keys = Arc::new(SigningKeys::new(
        store.clone(),
        Arc::new(MemoryLedger::default()),
        clock,
        plan,
    ));
    let callers = (0..100).map(|_| {
        let (keys, store) = (keys.clone(), store.clone());
        tokio::spawn(async move {
            store.doors.wait().await;
            keys.signing(ED, now)
                .await
                .unwrap()
                .signing
                .public()
                .kid
                .clone()
        })
    });
    let seen = join_all(callers).await.into_iter();
    let kids: HashSet<_> = seen.map(Result::unwrap).collect();
    assert_eq!(kids.len(), 1);
    assert_eq!(store.reads.load(Ordering::Relaxed), 1);
    assert_eq!(store.writes.load(Ordering::Relaxed), 1);
    let kept = store.read(&SecretKey::Signing(ED)).await.unwrap();
    let kept = kept.into_signing_seed();
    let kept = kept.disclose(Destination::Signer, |bytes| {
        super::document::read(ED, bytes)
    });
    assert!(kids.contains(&kept.unwrap().signing.public().kid));
}

#[tokio::test]
async fn no_key_without_its_record() {
    let world = World::new(&[ED]);
    world.ledger.break_with(Some(LedgerError::Slow));
    assert!(matches!(world.signing().await, Err(SourceError::Ledger(_))));
    assert!(world.store.stored(&SecretKey::Signing(ED)).is_none());

    world.ledger.break_with(None);
    let first = world.signing().await.unwrap();
    let second = world.keys.rotate().await.unwrap();
    let made: Vec<String> = world
        .ledger
        .records()
        .into_iter()
        .filter_map(|record| match record.event {
            Event::SigningKeyMade { kid, .. } => Some(kid),
            _ => None,
        })
        .collect();
    assert_eq!(made, [first.kid, second[0].kid.clone()]);
}
