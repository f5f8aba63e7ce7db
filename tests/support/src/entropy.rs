//! Randomness that repeats from run to run.

use std::sync::atomic::{AtomicU64, Ordering};

use valetkey_core::ports::Entropy;

/// Gives different bytes at each call, the same ones in each run.
#[derive(Default)]
pub struct CountingEntropy(AtomicU64);

impl Entropy for CountingEntropy {
    fn fill(&self, out: &mut [u8]) {
        let call = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        for (byte, value) in out.iter_mut().zip(call.iter().rev().cycle()) {
            *byte = *value;
        }
    }
}
