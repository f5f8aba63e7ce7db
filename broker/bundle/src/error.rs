//! Why a bundle does not count.

/// Why a bundle does not count. Each says what to do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// What stands in the signature's place is none.
    #[error("its signature is not one of minisign; sign it with `minisign -S`")]
    NoSignature,
    /// Another key signed it.
    #[error(
        "it was signed with another key than the one that is trusted here; sign it with that one"
    )]
    OtherKey,
    /// The signature is not of these bytes.
    #[error(
        "its signature does not fit: it was altered after it was signed, or is damaged; deliver it again, with its signature"
    )]
    Altered,
    /// The bytes are not text.
    #[error("it is not UTF-8 text; write and sign it anew")]
    NotText,
    /// The text does not say its version or its end.
    #[error(
        "it lacks a good `version` or `expires`: {0}; write both at its beginning, such as `version = 7` and `expires = 2027-06-30T00:00:00Z`, and sign it anew"
    )]
    Header(String),
    /// Its end is past.
    #[error("version {version} expired at {at}; deliver a newer one")]
    Expired {
        /// Its version.
        version: u64,
        /// When.
        at: String,
    },
    /// A newer one was accepted before.
    #[error(
        "version {version} is older than version {floor}, which was accepted before; deliver that one or a newer one"
    )]
    RolledBack {
        /// Its version.
        version: u64,
        /// The highest that was accepted.
        floor: u64,
    },
}
