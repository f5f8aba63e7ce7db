//! From bytes and a signature to a text that counts.

use minisign_verify::{Error, Signature};
use ring::digest::{SHA256, digest as sha2};
use serde::Deserialize;
use valetkey_core::text::printable;

use crate::{BundleError, Expires, FleetKey, shown};

/// Longest comment that is shown, in characters.
const COMMENT: usize = 200;

/// What stands at the beginning of a bundle; the rest is not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Header {
    /// Its version: never lower than one that was accepted before.
    pub version: u64,
    /// When it ends.
    pub expires: Expires,
}

/// A text that was signed, is not over and was not rolled back.
#[derive(Debug)]
pub struct Bundle {
    text: String,
    header: Header,
    comment: String,
}

impl Bundle {
    /// Verifies the signature, then the end and the version. Signatures of both kinds count: prehashed
    /// (minisign's default) and legacy.
    ///
    /// # Errors
    /// Each of [`BundleError`].
    pub fn open(
        key: &FleetKey,
        content: Vec<u8>,
        signature: &str,
        floor: Option<u64>,
        now_unix_seconds: u64,
    ) -> Result<Self, BundleError> {
        let signature = Signature::decode(signature).map_err(|_| BundleError::NoSignature)?;
        key.0
            .verify(&content, &signature, true)
            .map_err(|error| match error {
                Error::UnexpectedKeyId => BundleError::OtherKey,
                _ => BundleError::Altered,
            })?;
        let text = String::from_utf8(content).map_err(|_| BundleError::NotText)?;
        let header: Header = toml::from_str(&text)
            .map_err(|error| BundleError::Header(printable(error.message(), COMMENT)))?;
        if header.expires.0 <= now_unix_seconds {
            return Err(BundleError::Expired {
                version: header.version,
                at: shown(header.expires.0),
            });
        }
        floor.map_or(Ok(()), |floor| not_below(header.version, floor))?;
        Ok(Self {
            text,
            header,
            comment: printable(signature.trusted_comment(), COMMENT),
        })
    }

    /// The text that was signed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its version and its end.
    pub const fn header(&self) -> Header {
        self.header
    }

    /// What the signer noted beside it, made fit for a terminal. It decides nothing.
    pub fn comment(&self) -> &str {
        &self.comment
    }
}

/// Refuses a version that is older than the highest that was accepted.
///
/// # Errors
/// [`BundleError::RolledBack`].
pub const fn not_below(version: u64, floor: u64) -> Result<(), BundleError> {
    if version < floor {
        return Err(BundleError::RolledBack { version, floor });
    }
    Ok(())
}

/// SHA-256, in hexadecimal.
pub fn digest(content: &[u8]) -> String {
    let digest = sha2(&SHA256, content);
    digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}
