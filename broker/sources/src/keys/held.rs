//! The keys of one algorithm, as they are held in memory.

use valetkey_core::{LIFETIME_CEILING, Moment, ports::PublicKey};

use super::pair::SigningKey;

/// For how long a key that no longer signs is published, in seconds: until the last token that it
/// signed has ended by a verifier's clock that is five minutes slow. The margin also covers tokens
/// that were being signed while it was replaced.
pub(super) const OVERLAP: u64 = LIFETIME_CEILING + 300;

/// One key that signs, and those that did.
pub(crate) struct Held {
    pub(crate) signing: SigningKey,
    /// When it began to sign: seconds since the Unix epoch.
    pub(super) created: u64,
    /// Each with its `retires`.
    pub(super) published: Vec<PublicKey>,
}

impl Held {
    /// Whether its key has signed for `seconds`.
    pub(super) const fn is_older(&self, seconds: u64, now: Moment) -> bool {
        now.unix_seconds().saturating_sub(self.created) >= seconds
    }

    /// Every public half that a token in circulation may need.
    pub(super) fn public(&self, now: Moment) -> impl Iterator<Item = PublicKey> + '_ {
        std::iter::once(self.signing.public().clone()).chain(self.verifying(now).cloned())
    }

    /// What is published once another key signs: its key from now on for [`OVERLAP`], and earlier ones
    /// until their end.
    pub(super) fn retired(&self, now: Moment) -> Vec<PublicKey> {
        let own = PublicKey {
            retires: Some(now.unix_seconds().saturating_add(OVERLAP)),
            ..self.signing.public().clone()
        };
        std::iter::once(own)
            .chain(self.verifying(now).cloned())
            .collect()
    }

    fn verifying(&self, now: Moment) -> impl Iterator<Item = &PublicKey> {
        let now = now.unix_seconds();
        let still = move |key: &&PublicKey| key.retires.is_some_and(|end| end > now);
        self.published.iter().filter(still)
    }
}
