//! The roles a secret can have.

use secrecy::{ExposeSecret as _, SecretSlice};
use zeroize::Zeroizing;

use crate::Destination;

macro_rules! role {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name(SecretSlice<u8>);

        impl $name {
            /// Takes the bytes over. The buffer is wiped when the value is dropped; an excess of
            /// capacity is wiped before it is given back.
            pub fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
                // A boxed slice of the exact size: `Vec::into_boxed_slice` may move the bytes and
                // leave the old allocation unwiped, so they are copied and the source is wiped.
                let boxed: Box<[u8]> = Box::from(bytes.as_slice());
                Self(SecretSlice::from(boxed))
            }

            /// Length in bytes.
            pub fn len(&self) -> usize {
                self.0.expose_secret().len()
            }

            /// Whether there is nothing in it.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// The one way out: lends the bytes to `take`, which delivers them to `destination`.
            pub fn disclose<T>(&self, destination: Destination, take: impl FnOnce(&[u8]) -> T) -> T {
                debug_assert!(
                    Self::ALLOWED.contains(&destination),
                    concat!(stringify!($name), " does not go there")
                );
                take(self.0.expose_secret())
            }
        }

        impl crate::SameSecret for $name {
            fn same_secret(&self, other: &Self) -> bool {
                crate::same_bytes(self.0.expose_secret(), other.0.expose_secret())
            }
        }
    };
}

role! {
    /// The refresh token of a login (RFC 6749 section 1.5).
    RefreshToken
}
role! {
    /// A long-lived secret that a person stored: an API key, a password, a private key.
    RootSecret
}
role! {
    /// The private part of the broker's own signing keys.
    SigningSeed
}
role! {
    /// The key with which the broker seals what others keep for it.
    SealingKey
}
role! {
    /// What was granted: a short-lived token on its way to the agent, or the value that the proxy puts on
    /// the wire for it.
    IssuedToken
}

impl RefreshToken {
    const ALLOWED: &[Destination] = &[Destination::UpstreamRequest];

    /// For keeping: what the keyring is given.
    pub fn into_root(self) -> RootSecret {
        RootSecret(self.0)
    }
}

impl SigningSeed {
    const ALLOWED: &[Destination] = &[Destination::Signer];

    /// For keeping: what the keyring is given.
    pub fn into_root(self) -> RootSecret {
        RootSecret(self.0)
    }
}

impl SealingKey {
    const ALLOWED: &[Destination] = &[Destination::Cipher];

    /// For keeping: what the keyring is given.
    pub fn into_root(self) -> RootSecret {
        RootSecret(self.0)
    }
}

impl RootSecret {
    const ALLOWED: &[Destination] = &[Destination::KeyringWrite, Destination::UpstreamRequest];

    /// What the keyring gave back under a login's name.
    pub fn into_refresh_token(self) -> RefreshToken {
        RefreshToken(self.0)
    }

    /// What the proxy puts on the wire in an agent's stead. It is no token of ours, and no agent is
    /// given it.
    pub fn into_loan(self) -> IssuedToken {
        IssuedToken(self.0)
    }

    /// What the keyring gave back under the name of the rooms' tickets.
    pub fn into_sealing_key(self) -> SealingKey {
        SealingKey(self.0)
    }

    /// What the keyring gave back under a signing key's name.
    pub fn into_signing_seed(self) -> SigningSeed {
        SigningSeed(self.0)
    }
}

impl IssuedToken {
    const ALLOWED: &[Destination] = &[
        Destination::AgentReply,
        Destination::EgressRequest,
        Destination::EgressScrub,
    ];

    /// Nothing: what a pass to the network has for a token.
    pub fn none() -> Self {
        Self(SecretSlice::from(Box::from([])))
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::{IssuedToken, RefreshToken};
    use crate::{Destination, SameSecret as _};

    #[test]
    fn bytes_survive_the_round_trip() {
        let token = RefreshToken::new(Zeroizing::new(b"canary".to_vec()));
        let seen = token.disclose(Destination::UpstreamRequest, <[u8]>::to_vec);
        assert_eq!(seen, b"canary");
        assert_eq!(token.len(), 6);
    }

    #[test]
    fn equality_is_by_content() {
        let one = RefreshToken::new(Zeroizing::new(b"canary".to_vec()));
        let same = RefreshToken::new(Zeroizing::new(b"canary".to_vec()));
        let other = RefreshToken::new(Zeroizing::new(b"canarz".to_vec()));
        assert!(one.same_secret(&same));
        assert!(!one.same_secret(&other));
    }

    #[test]
    #[should_panic(expected = "IssuedToken does not go there")]
    fn a_token_is_not_written_to_the_keyring() {
        IssuedToken::new(Zeroizing::new(vec![1])).disclose(Destination::KeyringWrite, |_| ());
    }
}
