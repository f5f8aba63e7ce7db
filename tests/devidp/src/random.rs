//! Unguessable strings. The crate's one source of randomness.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::error::Unspecified;
use ring::rand::{SecureRandom as _, SystemRandom};

/// For ring, which wants a generator to make keys and ECDSA signatures.
#[expect(
    clippy::disallowed_methods,
    reason = "a program of its own, which has no core and none of its ports"
)]
pub(crate) fn source() -> SystemRandom {
    SystemRandom::new()
}

/// 256 bits of randomness, in base64url.
pub(crate) fn token() -> Result<String, Unspecified> {
    let mut bytes = [0; 32];
    source().fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A code to be typed by a person: eight consonants, so that it neither spells words nor holds
/// look-alikes (RFC 8628 section 6.1).
pub(crate) fn user_code() -> Result<String, Unspecified> {
    const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
    let mut bytes = [0; 8];
    source().fill(&mut bytes)?;
    let letter = |byte: &u8| {
        LETTERS
            .get(usize::from(*byte) % LETTERS.len())
            .map(|&letter| char::from(letter))
    };
    let letters: String = bytes.iter().filter_map(letter).collect();
    let (left, right) = letters.split_at_checked(4).ok_or(Unspecified)?;
    Ok(format!("{left}-{right}"))
}
