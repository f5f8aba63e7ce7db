//! A messenger that brings back what it is told.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use valetkey_core::{
    Approval, UserId,
    ports::{Answer, CarriedAnswer, Messenger, MessengerError},
};

type Reply = Box<dyn FnOnce(&Approval) -> Result<Option<CarriedAnswer>, MessengerError> + Send>;

/// Keeps what it was given to carry, and makes the replies that it was told, one for each question. With
/// none left it brings nothing back.
pub struct ScriptedMessenger {
    name: String,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    replies: VecDeque<Reply>,
    carried: Vec<(Approval, UserId)>,
}

impl ScriptedMessenger {
    /// A messenger with this name.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            inner: Mutex::default(),
        }
    }

    /// What comes back from the next question.
    pub fn reply(
        &self,
        reply: impl FnOnce(&Approval) -> Result<Option<CarriedAnswer>, MessengerError> + Send + 'static,
    ) {
        self.lock().replies.push_back(Box::new(reply));
    }

    /// What it carried so far, and whose session asked.
    pub fn carried(&self) -> Vec<(Approval, UserId)> {
        self.lock().carried.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Messenger for ScriptedMessenger {
    fn name(&self) -> &str {
        &self.name
    }

    fn carry<'a>(
        &'a self,
        question: &'a Approval,
        asker: &'a UserId,
    ) -> Answer<'a, Result<Option<CarriedAnswer>, MessengerError>> {
        Box::pin(async move {
            let reply = {
                let mut inner = self.lock();
                inner.carried.push((question.clone(), asker.clone()));
                inner.replies.pop_front()
            };
            reply.map_or(Ok(None), |reply| reply(question))
        })
    }
}
