//! Looking at the Secret Service and reading from it without ever causing a prompt, and the one call
//! that may.

use std::{collections::HashMap, fs};

use secret_service::{
    EncryptionType, Error, SearchItemsResult,
    blocking::{Collection, Item, SecretService},
};
use valetkey_core::ports::StoreError;
use valetkey_secret::RootSecret;
use zbus::{
    blocking::{Connection, fdo::DBusProxy},
    names::BusName,
};
use zeroize::Zeroizing;

use super::error::Fault;
use crate::backend::SERVICE;

/// The name that a provider owns on the session bus.
const PROVIDER: &str = "org.freedesktop.secrets";

/// The attribute that holds the entry, as the store library names it.
const ENTRY: &str = "username";

/// A connection of our own, beside the store library's.
pub(super) struct Eye {
    bus: Connection,
    service: SecretService<'static>,
}

impl Eye {
    pub(super) fn connect() -> Result<Self, Fault> {
        let bus = Connection::session().map_err(|error| Fault::of_service(&error.into()))?;
        let service = SecretService::connect_with_existing(EncryptionType::Dh, bus.clone())
            .map_err(|error| Fault::of_service(&error))?;
        Ok(Self { bus, service })
    }

    /// Whether the store can be asked for `entry` without a prompt.
    ///
    /// An entry that is not found in a locked collection may be hidden by the lock, as KeePassXC
    /// does. Saying that it does not exist would invite the caller to replace it.
    pub(super) fn check_open(&self, entry: &str) -> Result<(), Fault> {
        self.check_found(&self.find(entry)?)
    }

    /// The secret of `entry`. The store library would look for it once more, and open whatever it
    /// then found locked.
    pub(super) fn read(&self, entry: &str) -> Result<RootSecret, Fault> {
        let found = self.find(entry)?;
        self.check_found(&found)?;
        match found.unlocked.as_slice() {
            [item] => {
                let secret = item.get_secret().map_err(of)?;
                Ok(RootSecret::new(Zeroizing::new(secret)))
            }
            items => Err(Fault::not_one(items.len())),
        }
    }

    fn check_found(&self, found: &SearchItemsResult<Item<'_>>) -> Result<(), Fault> {
        let open = if found.locked.is_empty() {
            !found.unlocked.is_empty() || !self.collection()?.is_locked().map_err(of)?
        } else {
            false
        };
        if open { Ok(()) } else { Err(LOCKED) }
    }

    /// Opens what `entry` needs open. A prompt shows as long as nobody answers it.
    pub(super) fn unlock(&self, entry: &str) -> Result<(), Fault> {
        let found = self.find(entry)?;
        for item in &found.locked {
            item.unlock().map_err(of_prompt)?;
        }
        if found.locked.is_empty() && found.unlocked.is_empty() {
            let collection = self.collection()?;
            if collection.is_locked().map_err(of)? {
                collection.unlock().map_err(of_prompt)?;
            }
        }
        Ok(())
    }

    /// The entries that begin with `prefix`, without it; nothing is decrypted for that.
    pub(super) fn entries(&self, prefix: &str) -> Result<Vec<String>, Fault> {
        if self.collection()?.is_locked().map_err(of)? {
            return Err(LOCKED);
        }
        let found = self
            .service
            .search_items(HashMap::from([("service", SERVICE)]))
            .map_err(of)?;
        let items = found.unlocked.iter().chain(&found.locked);
        // An item that goes away meanwhile has no attributes.
        let attributes = items.filter_map(|item| item.get_attributes().ok());
        Ok(attributes
            .filter_map(|of| of.get(ENTRY)?.strip_prefix(prefix).map(str::to_owned))
            .collect())
    }

    /// Whose process owns the provider's name.
    pub(super) fn vendor(&self) -> String {
        let Ok(name) = self.process() else {
            return "unknown".into();
        };
        // The kernel cuts the name of a process at 15 bytes.
        match name.trim_end() {
            "gnome-keyring-d" => "GNOME Keyring".into(),
            "keepassxc" => "KeePassXC".into(),
            "kwalletd5" | "kwalletd6" | "ksecretd" => "KWallet".into(),
            "oo7-daemon" => "oo7".into(),
            other => other.chars().filter(|c| !c.is_control()).collect(),
        }
    }

    fn process(&self) -> Result<String, Box<dyn std::error::Error>> {
        let process = DBusProxy::new(&self.bus)?
            .get_connection_unix_process_id(BusName::try_from(PROVIDER)?)?;
        Ok(fs::read_to_string(format!("/proc/{process}/comm"))?)
    }

    fn find(&self, entry: &str) -> Result<SearchItemsResult<Item<'_>>, Fault> {
        self.service
            .search_items(HashMap::from([("service", SERVICE), (ENTRY, entry)]))
            .map_err(of)
    }

    /// Where new entries go.
    fn collection(&self) -> Result<Collection<'_>, Fault> {
        self.service.get_default_collection().map_err(of)
    }
}

const LOCKED: Fault = Fault {
    error: StoreError::Locked,
    broken: false,
};

#[expect(
    clippy::needless_pass_by_value,
    reason = "`map_err` hands the error over"
)]
fn of(error: Error) -> Fault {
    Fault::of_service(&error)
}

/// As [`of`], for a call whose prompt a person can dismiss.
fn of_prompt(error: Error) -> Fault {
    match error {
        Error::Prompt => LOCKED,
        other => of(other),
    }
}
