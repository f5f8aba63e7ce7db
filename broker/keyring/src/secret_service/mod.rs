//! The Secret Service of the desktop, over the session bus.
//!
//! The store library opens whatever it finds locked, with a prompt, and holds its connection while the
//! prompt shows. So each call looks first, over a second connection that never prompts ([`eye`]), and
//! reads over that one too. A connection that broke stays broken for ever and is replaced ([`lines`]).

mod error;
mod eye;
mod lines;

use std::{collections::HashMap, sync::Arc};

use keyring_core::{Entry, api::CredentialStore};
use valetkey_core::ports::{Persistence, StoreError};
use valetkey_secret::{Destination, RootSecret};
use zbus_secret_service_keyring_store::Store;

use crate::backend::{Backend, Card, SERVICE, Sight};

use error::Fault;
use eye::Eye;
use lines::Lines;

/// Whoever provides `org.freedesktop.secrets`.
pub(crate) struct SecretService {
    lines: Lines<Line>,
    /// Apart from the others, as one of these may be gone for as long as a person is.
    prompts: Lines<Eye>,
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
    /// Nothing is connected yet.
    pub(crate) fn new() -> Self {
        Self {
            lines: Lines::new(Line::connect),
            prompts: Lines::new(Eye::connect),
        }
    }

    fn on_line<T>(&self, work: impl Fn(&Line) -> Result<T, Fault>) -> Result<T, StoreError> {
        self.lines.on_line(work).map_err(|fault| fault.error)
    }
}

impl Backend for SecretService {
    fn read(&self, entry: &str) -> Result<RootSecret, StoreError> {
        self.on_line(|line| line.eye.read(entry))
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
        let unlocked = self.prompts.on_line(|eye| eye.unlock(entry));
        unlocked.map_err(|fault| fault.error)
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
