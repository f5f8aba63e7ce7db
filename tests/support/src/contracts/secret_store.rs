//! What every keyring promises.

use std::sync::Arc;

use futures_util::future::join_all;
use valetkey_core::{
    AccountName, Algorithm, SecretName,
    ports::{SecretKey, SecretStore, StoreError, StoreState},
};
use valetkey_secret::{Destination, RootSecret};
use zeroize::Zeroizing;

/// Runs every check on adapters that `make` makes: each empty, unlocked, and apart from the others.
/// `largest` is the number of bytes that one entry takes at most.
pub async fn suite<S: SecretStore + 'static>(make: impl Fn() -> Arc<S>, largest: usize) {
    keeps_any_bytes(&*make(), largest).await;
    replaces(&*make()).await;
    forgets(&*make()).await;
    keeps_keys_apart(&*make()).await;
    keeps_adapters_apart(&*make(), &*make()).await;
    lists_what_people_stored(&*make()).await;
    serves_many_at_once(&*make()).await;
}

/// Text, every byte value, one byte, and the largest value come back as they were.
pub async fn keeps_any_bytes(store: &dyn SecretStore, largest: usize) {
    let mut big: Vec<u8> = (0..=255).cycle().take(largest).collect();
    if let Some(last) = big.last_mut() {
        *last = 0;
    }
    let all = (0..=255).collect();
    for bytes in [b"ghp_text".to_vec(), all, vec![0], b"line\n".to_vec(), big] {
        let key = named("any-bytes");
        assert_eq!(store.write(&key, secret(&bytes)).await, Ok(()));
        let read = read(store, &key).await;
        let length = bytes.len();
        assert!(read == Ok(bytes), "{length} bytes did not come back");
    }
    let gone = store.delete(&named("any-bytes")).await;
    assert_eq!(gone, Ok(()));
}

/// A second write takes the place of the first, whatever the lengths.
pub async fn replaces(store: &dyn SecretStore) {
    let key = SecretKey::Ledger;
    for value in [
        "a long first value",
        "short",
        "a longer value again, the third",
    ] {
        assert_eq!(store.write(&key, secret(value.as_bytes())).await, Ok(()));
        assert_eq!(read(store, &key).await, Ok(value.into()));
    }
    assert_eq!(store.delete(&key).await, Ok(()));
    let after = read(store, &key).await;
    assert_eq!(after, Err(StoreError::NoEntry), "one delete removes it all");
}

/// What was never there or is deleted is `NoEntry`, for reading and for deleting.
pub async fn forgets(store: &dyn SecretStore) {
    let key = named("forgotten");
    assert_eq!(read(store, &key).await, Err(StoreError::NoEntry));
    assert_eq!(store.delete(&key).await, Err(StoreError::NoEntry));
    assert_eq!(store.write(&key, secret(b"value")).await, Ok(()));
    assert_eq!(store.delete(&key).await, Ok(()));
    assert_eq!(read(store, &key).await, Err(StoreError::NoEntry));
    assert_eq!(store.delete(&key).await, Err(StoreError::NoEntry));
    assert_eq!(store.write(&key, secret(b"again")).await, Ok(()));
    assert_eq!(read(store, &key).await, Ok(b"again".into()));
    assert_eq!(store.delete(&key).await, Ok(()));
}

/// Keys of different kinds and of nearly the same name hold different values.
pub async fn keeps_keys_apart(store: &dyn SecretStore) {
    let keys = [
        SecretKey::Login(account("same")),
        named("same"),
        named("Same"),
        named("same.1"),
        SecretKey::Signing(Algorithm::EdDSA),
        SecretKey::Ledger,
    ];
    for key in &keys {
        let value = key.to_string();
        assert_eq!(store.write(key, secret(value.as_bytes())).await, Ok(()));
    }
    for key in &keys {
        assert_eq!(read(store, key).await, Ok(key.to_string().into()), "{key}");
        assert_eq!(store.delete(key).await, Ok(()), "{key}");
    }
}

/// Two adapters that were made apart do not see each other's entries.
pub async fn keeps_adapters_apart(one: &dyn SecretStore, other: &dyn SecretStore) {
    let key = named("whose");
    assert_eq!(one.write(&key, secret(b"one")).await, Ok(()));
    assert_eq!(read(other, &key).await, Err(StoreError::NoEntry));
    assert_eq!(other.delete(&key).await, Err(StoreError::NoEntry));
    assert_eq!(other.inspect().await.names, []);
    assert_eq!(read(one, &key).await, Ok(b"one".into()));
    assert_eq!(one.delete(&key).await, Ok(()));
}

/// `inspect` says ready and names what people stored, sorted, and none of the broker's own entries.
pub async fn lists_what_people_stored(store: &dyn SecretStore) {
    let empty = store.inspect().await;
    assert_eq!(empty.state, StoreState::Ready);
    assert_eq!(empty.names, []);
    assert!(!empty.kind.is_empty() && !empty.vendor.is_empty());

    let keys = [
        named("b"),
        named("a"),
        SecretKey::Login(account("c")),
        SecretKey::Ledger,
    ];
    for key in &keys {
        assert_eq!(store.write(key, secret(b"value")).await, Ok(()));
    }
    assert_eq!(store.inspect().await.names, [name("a"), name("b")]);
    for key in &keys {
        assert_eq!(store.delete(key).await, Ok(()));
    }
    assert_eq!(store.inspect().await.names, []);
}

/// Calls at the same time do not disturb each other.
pub async fn serves_many_at_once(store: &dyn SecretStore) {
    let keys: Vec<_> = (0..24).map(|n| named(&format!("many-{n}"))).collect();
    let round_trips = keys.iter().map(async |key| {
        let value = key.to_string();
        assert_eq!(store.write(key, secret(value.as_bytes())).await, Ok(()));
        assert_eq!(read(store, key).await, Ok(value.into()), "{key}");
        assert_eq!(store.delete(key).await, Ok(()), "{key}");
    });
    join_all(round_trips).await;
}

/// What is stored under `key`, as bytes that can be compared.
pub async fn read(store: &dyn SecretStore, key: &SecretKey) -> Result<Vec<u8>, StoreError> {
    let secret = store.read(key).await?;
    Ok(secret.disclose(Destination::UpstreamRequest, <[u8]>::to_vec))
}

/// A secret made of these bytes.
pub fn secret(bytes: &[u8]) -> RootSecret {
    RootSecret::new(Zeroizing::new(bytes.to_vec()))
}

/// The key of a secret that a person stored.
pub fn named(text: &str) -> SecretKey {
    SecretKey::Named(name(text))
}

#[expect(clippy::expect_used, reason = "the names are in this file")]
fn name(text: &str) -> SecretName {
    SecretName::parse(text).expect("a good name")
}

#[expect(clippy::expect_used, reason = "the names are in this file")]
fn account(text: &str) -> AccountName {
    AccountName::parse(text).expect("a good name")
}
