//! What each kind of store does, in blocking calls.

use valetkey_core::ports::{Persistence, StoreError, StoreReport, StoreState};
use valetkey_secret::RootSecret;

/// Under which service name everything is kept.
pub(crate) const SERVICE: &str = "valetkey";

/// A store in blocking calls. An entry is the text of its key behind the namespace.
///
/// A call that finds the entry or its collection locked answers [`StoreError::Locked`] and asks
/// nobody; only [`Backend::unlock`] may bring up a prompt.
pub(crate) trait Backend: Send + Sync {
    fn read(&self, entry: &str) -> Result<RootSecret, StoreError>;
    fn write(&self, entry: &str, secret: &RootSecret) -> Result<(), StoreError>;
    fn delete(&self, entry: &str) -> Result<(), StoreError>;

    /// Opens what `entry` needs open, asking a person where that is the way. May take for ever.
    fn unlock(&self, entry: &str) -> Result<(), StoreError>;

    /// Who provides the store, and which entries begin with `prefix`.
    fn look(&self, prefix: &str) -> Sight;

    /// What can be said of the store without asking it.
    fn card(&self) -> Card;
}

/// What a store is, whatever its state.
pub(crate) struct Card {
    pub(crate) kind: &'static str,
    pub(crate) persistence: Persistence,
}

/// What a look at the store showed.
pub(crate) struct Sight {
    pub(crate) vendor: String,
    /// The entries found, without the prefix.
    pub(crate) entries: Result<Vec<String>, StoreError>,
}

impl Sight {
    /// Nothing could be seen, for this reason.
    pub(crate) fn of_nothing(error: StoreError) -> Self {
        Self {
            vendor: "unknown".into(),
            entries: Err(error),
        }
    }
}

impl Card {
    /// The report that the port asks for.
    pub(crate) fn report(self, sight: Sight) -> StoreReport {
        let (state, mut names) = match sight.entries {
            Ok(entries) => (StoreState::Ready, entries),
            Err(error) => (StoreState::Unusable(error), Vec::new()),
        };
        names.sort_unstable();
        StoreReport {
            kind: self.kind,
            vendor: sight.vendor,
            persistence: self.persistence,
            state,
            // An entry that this broker could not have written is somebody else's.
            names: names
                .iter()
                .filter_map(|name| valetkey_core::SecretName::parse(name).ok())
                .collect(),
        }
    }
}
