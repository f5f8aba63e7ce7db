//! One prompt at a time, shared by everybody who needs the keyring open.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use valetkey_core::ports::StoreError;

use crate::calls::{crashed, detached, no_thread};

/// How a prompt came out; `None` while it shows.
type Outcome = Option<Result<(), StoreError>>;

/// The prompts of one keyring.
#[derive(Default)]
pub(crate) struct Unlock(Mutex<Prompts>);

#[derive(Default)]
struct Prompts {
    shown: u64,
    latest: Option<watch::Receiver<Outcome>>,
}

/// A point in time: how many prompts were shown before it, and whether the latest was over.
#[derive(Clone, Copy)]
pub(crate) struct Since {
    shown: u64,
    over: bool,
}

impl Unlock {
    /// To be taken before looking whether the keyring is locked.
    pub(crate) fn now(&self) -> Since {
        let prompts = self.prompts();
        Since {
            shown: prompts.shown,
            over: prompts.latest.as_ref().is_none_or(is_over),
        }
    }

    /// Gives back how the prompt came out that showed at some time since `since`, waiting for it
    /// while it shows; where there was none, brings one up with `prompt`. So who was late to find the
    /// keyring locked does not ask a person again who has just said no. A prompt stays when its
    /// callers leave.
    pub(crate) async fn join(
        &self,
        since: Since,
        prompt: impl FnOnce() -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        let mut outcome = self.latest(since, prompt)?;
        // An error here means that the thread is gone without having said how it came out.
        match outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or_else(|| Err(crashed())),
            Err(_) => Err(crashed()),
        }
    }

    fn latest(
        &self,
        since: Since,
        prompt: impl FnOnce() -> Result<(), StoreError> + Send + 'static,
    ) -> Result<watch::Receiver<Outcome>, StoreError> {
        let mut prompts = self.prompts();
        if let Some(latest) = &prompts.latest
            && (prompts.shown > since.shown || !since.over)
        {
            return Ok(latest.clone());
        }
        let (outcome, latest) = watch::channel(None);
        detached(move || {
            outcome.send_replace(Some(prompt()));
        })
        .map_err(no_thread)?;
        prompts.shown += 1;
        prompts.latest = Some(latest.clone());
        Ok(latest)
    }

    fn prompts(&self) -> MutexGuard<'_, Prompts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it came out, or its thread is gone.
fn is_over(prompt: &watch::Receiver<Outcome>) -> bool {
    prompt.borrow().is_some() || prompt.has_changed().is_err()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::future::poll_immediate;
    use valetkey_core::ports::StoreError;

    use super::Unlock;

    #[tokio::test]
    async fn one_prompt_serves_all_who_came_before_its_end() {
        let unlock = Unlock::default();
        let before = unlock.now();
        let (person, asked) = mpsc::channel::<()>();
        let mut first = Box::pin(unlock.join(before, move || {
            assert!(asked.recv().is_err());
            Err(StoreError::Locked)
        }));
        assert!(poll_immediate(first.as_mut()).await.is_none());
        let during = unlock.now();
        let mut second = Box::pin(unlock.join(during, || Ok(())));
        assert!(poll_immediate(second.as_mut()).await.is_none());

        drop(person);
        assert_eq!(first.await, Err(StoreError::Locked));
        assert_eq!(second.await, Err(StoreError::Locked));
        for late in [before, during] {
            let told = unlock.join(late, || Ok(())).await;
            assert_eq!(told, Err(StoreError::Locked), "they are not asked again");
        }
        let after = unlock.now();
        assert_eq!(unlock.join(after, || Ok(())).await, Ok(()), "a new prompt");
    }

    #[tokio::test]
    async fn a_prompt_stays_when_its_caller_leaves() {
        let unlock = Unlock::default();
        let since = unlock.now();
        let (person, asked) = mpsc::channel::<()>();
        let mut first = Box::pin(unlock.join(since, move || {
            assert!(asked.recv().is_err());
            Ok(())
        }));
        assert!(poll_immediate(first.as_mut()).await.is_none());
        drop(first);
        let mut next = Box::pin(unlock.join(unlock.now(), || Err(StoreError::Locked)));
        assert!(poll_immediate(next.as_mut()).await.is_none());
        drop(person);
        assert_eq!(next.await, Ok(()));
    }

    #[tokio::test]
    async fn a_crash_does_not_block_the_next_prompt() {
        let unlock = Unlock::default();
        let crashed = unlock.join(unlock.now(), || panic!("as the library might"));
        assert!(matches!(crashed.await, Err(StoreError::Denied(_))));
        assert_eq!(unlock.join(unlock.now(), || Ok(())).await, Ok(()));
    }
}
