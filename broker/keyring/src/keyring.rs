//! The port: deadlines, prompts, and the order of writes.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Mutex as Turnstile, time::timeout};
use valetkey_core::ports::{Answer, SecretKey, SecretStore, StoreError, StoreReport};
use valetkey_secret::RootSecret;

use crate::{
    backend::{Backend, Sight},
    calls::Calls,
    kernel::Kernel,
    secret_service::SecretService,
    unlock::Unlock,
};

/// How many times a call tries to get the keyring open. More than once, because the first prompt may
/// have been somebody else's, for another collection.
const UNLOCKS: usize = 2;

/// Which store of the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// What owns `org.freedesktop.secrets` on the session bus: GNOME Keyring, KWallet, KeePassXC.
    /// Values of up to 32 MiB were seen to work; KWallet is documented to keep UTF-8 text only.
    SecretService,
    /// The kernel's keyring of the user. Values of up to 32,767 bytes, and for ordinary users 20,000
    /// bytes and 200 keys in all (`/proc/sys/kernel/keys/`); gone when the machine reboots.
    Kernel,
}

/// The OS keyring.
///
/// Entries have the service name `valetkey` and the user name `NAMESPACE/KEY`, such as
/// `default/secret/github`; both are legible to whoever can list the keyring. Connects at the first
/// call, again when the connection broke, and never to anything but the store it was made for.
///
/// Needs a Tokio runtime with time. Calls that change the same entry take effect in the order they
/// were made, also those that were given up on.
pub struct OsKeyring {
    backend: Arc<dyn Backend>,
    namespace: String,
    deadline: Duration,
    calls: Calls,
    unlock: Unlock,
    turns: Mutex<HashMap<String, Arc<Turnstile<()>>>>,
}

impl OsKeyring {
    /// A keyring that is not connected yet. Every call answers within `deadline`. Brokers with
    /// different namespaces do not see each other's entries; a namespace has no `/`.
    pub fn new(kind: StoreKind, namespace: impl Into<String>, deadline: Duration) -> Self {
        let backend: Arc<dyn Backend> = match kind {
            StoreKind::SecretService => Arc::new(SecretService::new()),
            StoreKind::Kernel => Arc::new(Kernel),
        };
        Self::over(backend, namespace.into(), deadline)
    }

    fn over(backend: Arc<dyn Backend>, namespace: String, deadline: Duration) -> Self {
        Self {
            backend,
            namespace,
            deadline,
            calls: Calls::new(),
            unlock: Unlock::default(),
            turns: Mutex::default(),
        }
    }

    fn entry(&self, key: &dyn fmt::Display) -> String {
        format!("{}/{key}", self.namespace)
    }

    /// Does `work`; where it finds the keyring locked, has that opened and does it again.
    async fn perform<T: Send + 'static>(
        &self,
        entry: &str,
        progress: &Progress,
        work: impl Fn(&dyn Backend, &str) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        for _ in 0..UNLOCKS {
            let since = self.unlock.now();
            match self.once(entry, work.clone()).await {
                Err(StoreError::Locked) => {}
                done => return done,
            }
            progress.opening.store(true, Ordering::Relaxed);
            let (backend, locked) = (Arc::clone(&self.backend), entry.to_owned());
            self.unlock
                .join(since, move || backend.unlock(&locked))
                .await?;
            progress.opening.store(false, Ordering::Relaxed);
        }
        self.once(entry, work).await
    }

    async fn once<T: Send + 'static>(
        &self,
        entry: &str,
        work: impl Fn(&dyn Backend, &str) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (backend, entry) = (Arc::clone(&self.backend), entry.to_owned());
        self.calls.run(move || work(&*backend, &entry)).await
    }

    /// As [`Self::perform`], after every earlier change of the same entry has ended. One that was
    /// given up on may still be with the keyring: overtaking it would let an old refresh token
    /// replace its successor.
    async fn change(
        &self,
        entry: &str,
        progress: &Progress,
        work: impl Fn(&dyn Backend, &str) -> Result<(), StoreError> + Clone + Send + 'static,
    ) -> Result<(), StoreError> {
        let turnstile = Arc::clone(
            self.turns
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(entry.to_owned())
                .or_default(),
        );
        // Held by the threads as well, so that it lasts as long as the last of them.
        let turn = Arc::new(turnstile.lock_owned().await);
        self.perform(entry, progress, move |backend, entry| {
            let _turn = &turn;
            work(backend, entry)
        })
        .await
    }

    /// What `steps` comes to, or what they are waiting for when the deadline passes.
    async fn in_time<T>(
        &self,
        progress: &Progress,
        steps: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match timeout(self.deadline, steps).await {
            Ok(done) => done,
            Err(_) if progress.opening.load(Ordering::Relaxed) => Err(StoreError::Locked),
            Err(_) => Err(self.slow()),
        }
    }

    /// The deadline in the whole seconds that [`StoreError::Slow`] counts in.
    fn slow(&self) -> StoreError {
        StoreError::Slow(
            self.deadline
                .as_millis()
                .div_ceil(1000)
                .try_into()
                .unwrap_or(u64::MAX),
        )
    }
}

impl SecretStore for OsKeyring {
    fn read<'a>(&'a self, key: &'a SecretKey) -> Answer<'a, Result<RootSecret, StoreError>> {
        Box::pin(async move {
            let (entry, progress) = (self.entry(key), Progress::default());
            let steps = self.perform(&entry, &progress, |backend, entry| backend.read(entry));
            self.in_time(&progress, steps).await
        })
    }

    fn write<'a>(
        &'a self,
        key: &'a SecretKey,
        secret: RootSecret,
    ) -> Answer<'a, Result<(), StoreError>> {
        let secret = Arc::new(secret);
        Box::pin(async move {
            let (entry, progress) = (self.entry(key), Progress::default());
            let steps = self.change(&entry, &progress, move |backend, entry| {
                backend.write(entry, &secret)
            });
            self.in_time(&progress, steps).await
        })
    }

    fn delete<'a>(&'a self, key: &'a SecretKey) -> Answer<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let (entry, progress) = (self.entry(key), Progress::default());
            let steps = self.change(&entry, &progress, |backend, entry| backend.delete(entry));
            self.in_time(&progress, steps).await
        })
    }

    fn inspect(&self) -> Answer<'_, StoreReport> {
        Box::pin(async move {
            let prefix = self.entry(&"secret/");
            let backend = Arc::clone(&self.backend);
            let look = self.calls.run(move || Ok(backend.look(&prefix)));
            let sight = self.in_time(&Progress::default(), look).await;
            let card = self.backend.card();
            card.report(sight.unwrap_or_else(Sight::of_nothing))
        })
    }
}

/// How far a call has come.
#[derive(Default)]
struct Progress {
    /// Whether it waits for somebody to open the keyring.
    opening: AtomicBool,
}

#[cfg(test)]
mod tests;
