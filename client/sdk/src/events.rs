//! A stream of answers.

use tokio::time::Instant;
use tonic::Streaming;

use crate::{Error, deadline::until};

/// Answers that come one after another. Dropping it ends the call.
pub struct Events<T> {
    stream: Streaming<T>,
    end: Option<Instant>,
}

impl<T> Events<T> {
    pub(crate) const fn new(stream: Streaming<T>, end: Option<Instant>) -> Self {
        Self { stream, end }
    }

    /// The next answer; nothing when the broker has no more.
    ///
    /// Cancel safe: an answer is not lost when this is dropped before it is ready.
    pub async fn next(&mut self) -> Result<Option<T>, Error> {
        until(self.end, async {
            self.stream.message().await.map_err(Error::from)
        })
        .await
    }
}
