//! Randomness.

/// The one source of randomness.
pub trait Entropy: Send + Sync {
    /// Fills `out` from a cryptographically secure generator. The system's generator does not fail
    /// once the machine is up; an adapter that cannot fill ends the process.
    fn fill(&self, out: &mut [u8]);
}
