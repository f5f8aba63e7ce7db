//! Blocking calls off the runtime: one thread per outstanding call, up to a bound.
//!
//! Not `spawn_blocking`: a runtime waits for those threads when it shuts down, and a call that hangs
//! in somebody else's keyring must not keep the broker from ending.

use std::{
    io,
    sync::Arc,
    thread::{self, JoinHandle},
};

use tokio::sync::{Semaphore, oneshot};
use valetkey_core::ports::StoreError;

/// How many calls may be with the keyring at once. More wait their turn, within their deadlines.
const AT_ONCE: usize = 16;

/// The threads that are with the keyring.
pub(crate) struct Calls(Arc<Semaphore>);

impl Calls {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }

    /// Runs `work` on a thread of its own. When the future is dropped before the thread began, `work`
    /// never runs; later, it runs to its end and nobody hears of it.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = Arc::clone(&self.0).acquire_owned().await;
        let (answer, answered) = oneshot::channel();
        detached(move || {
            let _turn = turn;
            if !answer.is_closed() {
                drop(answer.send(work()));
            }
        })
        .map_err(no_thread)?;
        answered.await.unwrap_or_else(|_| Err(crashed()))
    }
}

/// Starts a thread that nobody waits for.
pub(crate) fn detached(work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("keyring".into()).spawn(work)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "`map_err` hands the error over"
)]
pub(crate) fn no_thread(error: io::Error) -> StoreError {
    StoreError::Denied(format!("no thread to ask it with: {}", error.kind()))
}

/// A call that ended without an answer: the client library panicked.
pub(crate) fn crashed() -> StoreError {
    StoreError::Denied("the call to it ended without an answer".into())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::future::poll_immediate;
    use valetkey_core::ports::StoreError;

    use super::{AT_ONCE, Calls};

    #[tokio::test]
    async fn a_stuck_call_leaves_room_for_others() {
        let calls = Calls::new();
        let (release, stuck) = mpsc::channel();
        let mut waiting = Box::pin(calls.run(move || until_released(&stuck)));
        assert!(poll_immediate(waiting.as_mut()).await.is_none());
        assert_eq!(calls.run(|| Ok(2)).await, Ok(2));
        drop(release);
        assert_eq!(waiting.await, Ok(()));
    }

    #[tokio::test]
    async fn past_the_bound_calls_wait_for_room() {
        let calls = Calls::new();
        let (release, stuck): (Vec<_>, Vec<_>) = (0..AT_ONCE).map(|_| mpsc::channel()).unzip();
        let mut held = Vec::new();
        for stuck in stuck {
            let mut call = Box::pin(calls.run(move || until_released(&stuck)));
            assert!(poll_immediate(call.as_mut()).await.is_none());
            held.push(call);
        }
        let mut late = Box::pin(calls.run(|| Ok(3)));
        assert!(poll_immediate(late.as_mut()).await.is_none());
        drop(release);
        assert_eq!(late.await, Ok(3));
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_gives_its_room_back() {
        let calls = Calls::new();
        for _ in 0..=AT_ONCE {
            let answer: Result<(), _> = calls.run(|| panic!("as the library might")).await;
            assert!(matches!(answer, Err(StoreError::Denied(_))));
        }
    }

    /// Returns when the other end of the channel is dropped.
    fn until_released(stuck: &mpsc::Receiver<()>) -> Result<(), StoreError> {
        assert!(stuck.recv().is_err());
        Ok(())
    }
}
