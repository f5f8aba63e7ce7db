//! The randomness of the system.

use ring::rand::{SecureRandom as _, SystemRandom};
use valetkey_core::ports::Entropy;

/// `getrandom(2)`, through ring.
#[derive(Debug)]
pub struct SystemEntropy(SystemRandom);

impl Default for SystemEntropy {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the adapter that everybody else is to use"
    )]
    fn default() -> Self {
        Self(SystemRandom::new())
    }
}

impl Entropy for SystemEntropy {
    fn fill(&self, out: &mut [u8]) {
        if self.0.fill(out).is_err() {
            // A broker that cannot make an unguessable id must not go on.
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use valetkey_core::ports::Entropy as _;

    use super::SystemEntropy;

    #[test]
    fn fills_everything_and_never_the_same() {
        let entropy = SystemEntropy::default();
        let (mut one, mut other) = ([0; 64], [0; 64]);
        entropy.fill(&mut one);
        entropy.fill(&mut other);
        assert_ne!(one, other);
        for half in one.chunks(32) {
            assert_ne!(half, [0; 32]);
        }
    }
}
