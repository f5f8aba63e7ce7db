//! The public half of the key that an admin signs with.

use minisign_verify::PublicKey;

/// A file that is no minisign public key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is not a minisign public key; copy the two lines of the `minisign.pub` that `minisign -G` wrote"
)]
pub struct BadKey;

/// A minisign public key.
pub struct FleetKey(pub(crate) PublicKey);

impl FleetKey {
    /// Reads the two lines of a `minisign.pub`, or the second of them alone.
    ///
    /// # Errors
    /// [`BadKey`].
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let alone = text.trim();
        PublicKey::decode(text)
            .or_else(|_| PublicKey::from_base64(alone))
            .map(Self)
            .map_err(|_| BadKey)
    }
}
