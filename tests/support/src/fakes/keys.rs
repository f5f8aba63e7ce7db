//! [`Keys`] of a broker that signs nothing.

use valetkey_core::ports::{Answer, Keys, PublicKey, SourceError};

/// There are none, and no more when they were rotated.
pub struct NoKeys;

impl Keys for NoKeys {
    fn public(&self) -> Answer<'_, Result<Vec<PublicKey>, SourceError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn rotate(&self) -> Answer<'_, Result<Vec<PublicKey>, SourceError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}
