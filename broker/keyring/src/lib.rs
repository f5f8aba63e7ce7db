//! The OS keyring behind the core's `SecretStore` port: the Secret Service of the desktop, or the
//! kernel's keyring where the configuration names it. There is no fallback from one to the other and
//! none to a file.
//!
//! The libraries block, and a locked keyring can wait for a person, so every call runs on a thread of
//! its own (`calls`) while its future keeps the deadline. Nothing in a thread ever prompts, except
//! the one that `unlock` starts: everybody who finds the keyring locked waits for that same prompt.
//!
//! Secrets pass through this crate as `RootSecret` and through the libraries as byte vectors; those
//! are wiped in the function that receives them. On the session bus they travel encrypted.

mod backend;
mod calls;
mod kernel;
mod keyring;
mod secret_service;
mod unlock;

pub use keyring::{OsKeyring, StoreKind};
