//! The Secret Service of the desktop, over the session bus.
//!
//! The store library opens whatever it finds locked, with a prompt, and holds its one connection while
//! the prompt shows. So each call looks first, over a second connection that never prompts
//! ([`eye`]), and each call at the same time as another has connections of its own. They are kept for
//! the next call unless the call failed in a way that may lie in the connection: a broken one stays
//! broken.

mod error;
mod eye;

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use keyring_core::{Entry, api::CredentialStore};
use valetkey_core::ports::{Persistence, StoreError};
use valetkey_secret::{Destination, RootSecret};
use zbus_secret_service_keyring_store::Store;
use zeroize::Zeroizing;

use crate::{
    backend::{Backend, Card, SERVICE, Sight},
    calls::detached,
};

use error::Fault;
use eye::Eye;

/// How many pairs of connections are kept between calls.
const KEPT: usize = 2;

/// Connections that no call is using.
#[derive(Default)]
pub(crate) struct SecretService {
    idle: Mutex<Vec<Line>>,
}

/// What one call uses: a connection to look with, and the store's own.
struct Line {
    eye: Eye,
    store: Arc<CredentialStore>,
}

impl Line {
    fn connect() -> Result<Self, Fault> {
        let eye = Eye::connect()?;
        let store = Store::new().map_err(Fault::of_store)?;
        Ok(Self { eye, store })
    }

    /// The entry, if the store can be asked for it without a prompt.
    fn open(&self, entry: &str) -> Result<Entry, Fault> {
        self.eye.check_open(entry)?;
        let label = format!("Valetkey {entry}");
        self.store
            .build(SERVICE, entry, Some(&HashMap::from([("label", &*label)])))
            .map_err(Fault::of_store)
    }
}

impl SecretService {
    /// Does `work` on a kept line, or on a new one when there is none or it turns out broken.
    fn on_line<T>(&self, work: impl Fn(&Line) -> Result<T, Fault>) -> Result<T, StoreError> {
        // Taken in a statement of its own: a guard in the `if let` would be held during the work.
        let kept = self.idle().pop();
        if let Some(line) = kept {
            match self.work_on(line, &work) {
                // The other lines are as old and lead to the same place.
                Err(fault) if fault.broken => self.idle().clear(),
                done => return done.map_err(|fault| fault.error),
            }
        }
        let line = Line::connect().map_err(|fault| fault.error)?;
        self.work_on(line, &work).map_err(|fault| fault.error)
    }

    fn work_on<T>(&self, line: Line, work: impl Fn(&Line) -> Result<T, Fault>) -> Result<T, Fault> {
        let done = work(&line);
        if !matches!(&done, Err(fault) if fault.broken) {
            self.keep(line);
        }
        done
    }

    fn keep(&self, line: Line) {
        let mut idle = self.idle();
        if idle.len() < KEPT {
            idle.push(line);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Line>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closing a connection blocks, and the library panics where it does so inside a runtime.
impl Drop for SecretService {
    fn drop(&mut self) {
        let idle = mem::take(&mut *self.idle());
        if !idle.is_empty() {
            // Without a thread the process is past caring.
            drop(detached(move || drop(idle)));
        }
    }
}

impl Backend for SecretService {
    fn read(&self, entry: &str) -> Result<RootSecret, StoreError> {
        self.on_line(|line| {
            let bytes = line.open(entry)?.get_secret().map_err(Fault::of_store)?;
            Ok(RootSecret::new(Zeroizing::new(bytes)))
        })
    }

    fn write(&self, entry: &str, secret: &RootSecret) -> Result<(), StoreError> {
        self.on_line(|line| {
            let entry = line.open(entry)?;
            secret
                .disclose(Destination::KeyringWrite, |bytes| entry.set_secret(bytes))
                .map_err(Fault::of_store)
        })
    }

    fn delete(&self, entry: &str) -> Result<(), StoreError> {
        self.on_line(|line| {
            let entry = line.open(entry)?;
            entry.delete_credential().map_err(Fault::of_store)
        })
    }

    fn unlock(&self, entry: &str) -> Result<(), StoreError> {
        self.on_line(|line| line.eye.unlock(entry))
    }

    fn look(&self, prefix: &str) -> Sight {
        let seen = self.on_line(|line| {
            Ok(Sight {
                vendor: line.eye.vendor(),
                entries: match line.eye.entries(prefix) {
                    Err(fault) if fault.broken => return Err(fault),
                    seen => seen.map_err(|fault| fault.error),
                },
            })
        });
        seen.unwrap_or_else(Sight::of_nothing)
    }

    fn card(&self) -> Card {
        Card {
            kind: "secret-service",
            persistence: Persistence::UntilDelete,
        }
    }
}
