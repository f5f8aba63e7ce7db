//! Answers about what may pass, for as long as they hold.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use valetkey_codes::Code;
use valetkey_core::{ApprovalId, Deadline, Moment, SessionId, network::Target};

/// How long an answer of the policies about one request is remembered, in seconds, and a refusal.
const BRIEFLY: u64 = 1;
/// Most answers that are remembered for one session.
const MOST: usize = 4096;

/// Answers, by session and by what was asked.
#[derive(Default)]
pub(super) struct Passes(Mutex<HashMap<SessionId, HashMap<Target, Answer>>>);

struct Answer {
    until: Deadline,
    said: Result<Option<ApprovalId>, Code>,
}

impl Passes {
    /// What was said, where it still holds: the approval that it rests on, or why not.
    pub(super) fn find(
        &self,
        session: SessionId,
        target: &Target,
        now: Moment,
    ) -> Option<Result<Option<ApprovalId>, Code>> {
        let passes = self.locked();
        let answer = passes.get(&session)?.get(target)?;
        (!answer.until.passed(now)).then_some(answer.said)
    }

    /// The policies let it pass with nobody asked.
    pub(super) fn briefly(&self, session: SessionId, target: &Target, now: Moment) {
        self.put(session, target, now.after(BRIEFLY), Ok(None));
    }

    /// Leave that lasts.
    pub(super) fn keep(
        &self,
        session: SessionId,
        target: &Target,
        until: Deadline,
        approval: Option<ApprovalId>,
    ) {
        self.put(session, target, until, Ok(approval));
    }

    /// It was refused: whoever asks the same at once again is answered from memory. What waits for an
    /// answer, or could be answered otherwise by now, is asked again.
    pub(super) fn refused(&self, session: SessionId, target: &Target, code: Code, now: Moment) {
        if matches!(
            code,
            Code::Denied | Code::ApprovalRefused | Code::InvalidTarget
        ) {
            self.put(session, target, now.after(BRIEFLY), Err(code));
        }
    }

    pub(super) fn forget(&self, session: SessionId) {
        self.locked().remove(&session);
    }

    fn put(
        &self,
        session: SessionId,
        target: &Target,
        until: Deadline,
        said: Result<Option<ApprovalId>, Code>,
    ) {
        let mut passes = self.locked();
        let of_session = passes.entry(session).or_default();
        if of_session.len() >= MOST {
            of_session.clear();
        }
        of_session.insert(target.clone(), Answer { until, said });
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, HashMap<Target, Answer>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
