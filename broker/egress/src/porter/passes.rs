//! Answers about what may pass, for as long as they hold.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use valetkey_codes::Code;
use valetkey_core::{ApprovalId, Deadline, Moment, Refusal, SessionId, network::Target};

/// How long an answer of the policies about one request is remembered, in seconds, and a refusal.
const BRIEFLY: u64 = 1;
/// Most answers that are remembered for one session.
const MOST: usize = 4096;

/// Answers, by session and by what was asked.
#[derive(Default)]
pub(super) struct Passes {
    answers: Mutex<HashMap<SessionId, HashMap<Target, Answer>>>,
    /// Goes up whenever something is forgotten: what was asked before is then not remembered.
    generation: AtomicU64,
}

struct Answer {
    until: Deadline,
    said: Result<Option<ApprovalId>, Refusal>,
}

impl Passes {
    /// What was said, where it still holds: the approval that it rests on, or why not.
    pub(super) fn find(
        &self,
        session: SessionId,
        target: &Target,
        now: Moment,
    ) -> Option<Result<Option<ApprovalId>, Refusal>> {
        let passes = self.locked();
        let answer = passes.get(&session)?.get(target)?;
        (!answer.until.passed(now)).then(|| answer.said.clone())
    }

    /// The policies let it pass with nobody asked.
    pub(super) fn briefly(&self, session: SessionId, target: &Target, now: Moment, asked: u64) {
        self.put(session, target, now.after(BRIEFLY), Ok(None), asked);
    }

    /// Leave that lasts.
    pub(super) fn keep(
        &self,
        session: SessionId,
        target: &Target,
        until: Deadline,
        approval: Option<ApprovalId>,
        asked: u64,
    ) {
        self.put(session, target, until, Ok(approval), asked);
    }

    /// It was refused: whoever asks the same at once again is answered from memory. What waits for an
    /// answer, or could be answered otherwise by now, is asked again.
    pub(super) fn refused(
        &self,
        session: SessionId,
        target: &Target,
        refusal: &Refusal,
        now: Moment,
    ) {
        if matches!(
            refusal.code(),
            Code::Denied | Code::ApprovalRefused | Code::InvalidTarget
        ) {
            self.put(
                session,
                target,
                now.after(BRIEFLY),
                Err(refusal.clone()),
                self.generation(),
            );
        }
    }

    pub(super) fn forget(&self, session: SessionId) {
        let mut passes = self.locked();
        self.generation.fetch_add(1, Ordering::Relaxed);
        passes.remove(&session);
    }

    /// To be asked for before the policies are, and given with what they said.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    fn put(
        &self,
        session: SessionId,
        target: &Target,
        until: Deadline,
        said: Result<Option<ApprovalId>, Refusal>,
        asked: u64,
    ) {
        let mut passes = self.locked();
        if self.generation() != asked {
            return;
        }
        let of_session = passes.entry(session).or_default();
        if of_session.len() >= MOST {
            of_session.clear();
        }
        of_session.insert(target.clone(), Answer { until, said });
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, HashMap<Target, Answer>>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use valetkey_core::{
        Boot, Moment, SessionId,
        network::{Origin, Target},
    };

    use super::Passes;

    /// The policies change, or the session is held, between a question and its answer.
    #[test]
    fn what_was_said_before_a_change_is_not_remembered() {
        let now = Moment {
            unix_ms: 0,
            boot_us: 0,
            boot: Boot(1),
        };
        let session = SessionId::parse("0198c0de00007000800000000000000f").unwrap();
        let target = Target::Connect(Origin::split("https://api.test/").unwrap().0);
        let passes = Passes::default();
        let asked = passes.generation();
        passes.forget(session);
        passes.briefly(session, &target, now, asked);
        passes.keep(session, &target, now.after(60), None, asked);
        assert!(passes.find(session, &target, now).is_none());
        passes.briefly(session, &target, now, passes.generation());
        assert!(passes.find(session, &target, now).is_some());
    }
}
