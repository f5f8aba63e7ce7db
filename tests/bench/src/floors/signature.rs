//! One Ed25519 signature over what a token signs.

use std::hint::black_box;

use ring::signature::Ed25519KeyPair;

use crate::Measured;

/// Header and claims of a token of ours in base64url, in bytes.
const SIGNED: usize = 700;

/// A key.
pub(crate) struct Signatures {
    key: Ed25519KeyPair,
    message: [u8; SIGNED],
}

impl Signatures {
    pub(crate) fn new() -> Measured<Self> {
        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).map_err(|_| "no key")?;
        Ok(Self {
            key,
            message: [b'x'; SIGNED],
        })
    }

    pub(crate) fn sign(&self) -> Measured<()> {
        black_box(self.key.sign(black_box(&self.message)));
        Ok(())
    }
}
