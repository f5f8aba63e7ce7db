//! The OS keyring: read, write, delete, inspect.

use std::fmt;

use valetkey_codes::Code;
use valetkey_secret::RootSecret;

use super::Answer;
use crate::{AccountName, Algorithm, SecretName};

/// Under which name a secret is kept. The first part keeps the broker's own entries and a person's
/// apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecretKey {
    /// The refresh token of an account.
    Login(AccountName),
    /// The signing keys of the broker for one algorithm.
    Signing(Algorithm),
    /// The key that signs the ledger's checkpoints, and how far the ledger had come at the last one.
    Ledger,
    /// The key that seals what launchers keep of their rooms.
    Rooms,
    /// What a person stored with `valetkey secret add`.
    Named(SecretName),
}

/// The name of the keyring entry.
impl fmt::Display for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Login(account) => write!(f, "login/{account}"),
            Self::Signing(algorithm) => write!(f, "signing/{}", algorithm.id()),
            Self::Ledger => f.write_str("ledger/checkpoints"),
            Self::Rooms => f.write_str("rooms/tickets"),
            Self::Named(name) => write!(f, "secret/{name}"),
        }
    }
}

/// Why the keyring did not do as asked. None of these carries a byte of a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It is there, but locked, and nobody unlocked it.
    #[error("the keyring is locked")]
    Locked,
    /// No keyring answers.
    #[error("no keyring answers: {0}")]
    Absent(String),
    /// It answered no.
    #[error("the keyring refused access: {0}")]
    Denied(String),
    /// It did not answer within the deadline. The call may still take effect.
    #[error("the keyring did not answer within {0} s")]
    Slow(u64),
    /// It has no such entry.
    #[error("the keyring holds no such entry")]
    NoEntry,
}

impl StoreError {
    /// The code that says so to whoever asked.
    pub const fn code(&self) -> Code {
        match self {
            Self::Locked => Code::KeyringLocked,
            Self::Absent(_) => Code::KeyringAbsent,
            Self::Denied(_) => Code::KeyringDenied,
            Self::Slow(_) => Code::KeyringSlow,
            Self::NoEntry => Code::SecretAbsent,
        }
    }
}

/// How long what is stored lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// Until it is removed.
    UntilDelete,
    /// Until the machine reboots.
    UntilReboot,
}

/// Whether the store can be used now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreState {
    /// It answers and is open.
    Ready,
    /// It cannot be used, for this reason.
    Unusable(StoreError),
}

/// What `valetkey doctor` and `valetkey secret list` say of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreReport {
    /// The store that the configuration names: `secret-service` or `kernel`.
    pub kind: &'static str,
    /// Who provides it, as far as it says.
    pub vendor: String,
    /// How long what is stored lives.
    pub persistence: Persistence,
    /// Whether it can be used now.
    pub state: StoreState,
    /// The names that people stored secrets under; empty where it cannot be used.
    pub names: Vec<SecretName>,
}

/// The OS keyring. Every call is bounded by the configured deadline and answers [`StoreError::Slow`]
/// past it; a prompt that nobody answers blocks only the call that caused it. There is no fallback:
/// a store that cannot be used is an error. Read when needed, never cached here.
pub trait SecretStore: Send + Sync {
    /// Reads an entry. Dropping the future is safe.
    fn read<'a>(&'a self, key: &'a SecretKey) -> Answer<'a, Result<RootSecret, StoreError>>;

    /// Writes an entry, replacing what was there; durable when it returns. Dropping the future may
    /// leave it written.
    fn write<'a>(
        &'a self,
        key: &'a SecretKey,
        secret: RootSecret,
    ) -> Answer<'a, Result<(), StoreError>>;

    /// Deletes an entry; [`StoreError::NoEntry`] where there is none.
    fn delete<'a>(&'a self, key: &'a SecretKey) -> Answer<'a, Result<(), StoreError>>;

    /// Looks at the store without asking anybody to unlock it.
    fn inspect(&self) -> Answer<'_, StoreReport>;
}
