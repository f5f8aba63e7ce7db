//! The broker's own signing keys: their public halves, and rotation.

use super::{Answer, SourceError};
use crate::Algorithm;

/// The public half of a signing key, as a JWK carries it (RFC 7517, RFC 8037).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Its key id.
    pub kid: String,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// The `x` member, base64url without padding.
    pub x: String,
    /// The `y` member, for curves that have one.
    pub y: Option<String>,
    /// When it stops being published: seconds since the Unix epoch. `None` for a key that signs now.
    pub retires: Option<u64>,
}

/// The broker's own signing keys. Their private halves live in the keyring and are read when the
/// first token of a run is signed.
pub trait Keys: Send + Sync {
    /// Every key that a token in circulation may be signed with: those that sign now and those that
    /// did within the longest lifetime.
    fn public(&self) -> Answer<'_, Result<Vec<PublicKey>, SourceError>>;

    /// Makes a new key for every algorithm in use; the earlier ones are published on until the last
    /// token that they signed has ended. Gives back the new key ids. Dropping the future may leave
    /// it done.
    fn rotate(&self) -> Answer<'_, Result<Vec<PublicKey>, SourceError>>;
}
