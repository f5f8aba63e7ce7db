//! A keyring in memory that can be told to fail.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use valetkey_core::ports::{
    Answer, Persistence, SecretKey, SecretStore, StoreError, StoreReport, StoreState,
};
use valetkey_secret::{Destination, RootSecret};
use zeroize::Zeroizing;

/// A map. Nothing in it is protected.
#[derive(Default)]
pub struct FakeSecretStore(Mutex<Contents>);

#[derive(Default)]
struct Contents {
    entries: HashMap<SecretKey, Vec<u8>>,
    failure: Option<StoreError>,
}

impl FakeSecretStore {
    /// From now on every call answers `failure`; `None` makes it work again.
    pub fn fail_with(&self, failure: impl Into<Option<StoreError>>) {
        self.contents().failure = failure.into();
    }

    /// What is stored under `key`, as bytes.
    pub fn stored(&self, key: &SecretKey) -> Option<Vec<u8>> {
        self.contents().entries.get(key).cloned()
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The contents, unless it was told to fail.
    fn open(&self) -> Result<MutexGuard<'_, Contents>, StoreError> {
        let contents = self.contents();
        match &contents.failure {
            Some(failure) => Err(failure.clone()),
            None => Ok(contents),
        }
    }
}

impl SecretStore for FakeSecretStore {
    fn read<'a>(&'a self, key: &'a SecretKey) -> Answer<'a, Result<RootSecret, StoreError>> {
        Box::pin(async move {
            let contents = self.open()?;
            let bytes = contents.entries.get(key).ok_or(StoreError::NoEntry)?;
            Ok(RootSecret::new(Zeroizing::new(bytes.clone())))
        })
    }

    fn write<'a>(
        &'a self,
        key: &'a SecretKey,
        secret: RootSecret,
    ) -> Answer<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let bytes = secret.disclose(Destination::KeyringWrite, <[u8]>::to_vec);
            self.open()?.entries.insert(key.clone(), bytes);
            Ok(())
        })
    }

    fn delete<'a>(&'a self, key: &'a SecretKey) -> Answer<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let removed = self.open()?.entries.remove(key);
            removed.map(drop).ok_or(StoreError::NoEntry)
        })
    }

    fn inspect(&self) -> Answer<'_, StoreReport> {
        Box::pin(async move {
            let (state, mut names) = match self.open() {
                Ok(contents) => (StoreState::Ready, named(&contents)),
                Err(error) => (StoreState::Unusable(error), Vec::new()),
            };
            names.sort_unstable();
            StoreReport {
                kind: "fake",
                vendor: "a map in memory".into(),
                persistence: Persistence::UntilReboot,
                state,
                names,
            }
        })
    }
}

fn named(contents: &Contents) -> Vec<valetkey_core::SecretName> {
    let keys = contents.entries.keys();
    keys.filter_map(|key| match key {
        SecretKey::Named(name) => Some(name.clone()),
        _ => None,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use valetkey_core::ports::{SecretKey, SecretStore as _, StoreError, StoreState};

    use super::FakeSecretStore;
    use crate::contracts::secret_store::suite;

    #[tokio::test]
    async fn keeps_the_contract() {
        suite(|| Arc::new(FakeSecretStore::default()), 64 * 1024).await;
    }

    #[tokio::test]
    async fn fails_when_told_to() {
        let store = FakeSecretStore::default();
        store.fail_with(StoreError::Locked);
        assert_eq!(
            store.delete(&SecretKey::Ledger).await,
            Err(StoreError::Locked)
        );
        let state = store.inspect().await.state;
        assert_eq!(state, StoreState::Unusable(StoreError::Locked));
        store.fail_with(None);
        assert_eq!(
            store.delete(&SecretKey::Ledger).await,
            Err(StoreError::NoEntry)
        );
    }
}
