//! Counts what was read, so that silence can be told from work.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::io::AsyncRead;
use tokio_util::io::InspectReader;

/// How many bytes came in.
#[derive(Clone, Default)]
pub(crate) struct Meter(Arc<AtomicU64>);

impl Meter {
    /// The count.
    pub(crate) fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// `stream`, whose bytes are counted here.
    pub(crate) fn on<S: AsyncRead>(
        &self,
        stream: S,
    ) -> InspectReader<S, impl FnMut(&[u8]) + use<S>> {
        let count = Arc::clone(&self.0);
        InspectReader::new(stream, move |came: &[u8]| {
            count.fetch_add(came.len() as u64, Ordering::Relaxed);
        })
    }
}
