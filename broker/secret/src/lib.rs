//! Secrets as values: one newtype per role, wiped on drop, and one way out.
//!
//! None of these types has `Debug`, `Display`, `Clone`, `PartialEq` or a serializer, so a struct that
//! holds one cannot derive them either and its author must stop and think. A secret leaves only
//! through `disclose`, which names a [`Destination`]: searching for that enum lists every place where
//! a secret goes.

mod equal;
mod roles;

pub use equal::{SameSecret, same_bytes};
pub use roles::{IssuedToken, RefreshToken, RootSecret, SealingKey, SigningSeed};

/// Where a secret may go. Closed on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Into the OS keyring.
    KeyringWrite,
    /// Into a request to the server that owns it.
    UpstreamRequest,
    /// Into the reply to the agent that was granted it.
    AgentReply,
    /// Into the signing code of this process.
    Signer,
    /// Into the cipher of this process.
    Cipher,
    /// Onto the wire to the host that the credential is for, in place of what the agent sent.
    EgressRequest,
    /// Into the search for it in what comes back.
    EgressScrub,
}
