//! The approvals in a batch: of two changes of the same revision the first is stored, and of two
//! questions that are one the first is put. Behind the end of one that a person took back, no token
//! that it was given for is recorded.

use std::sync::Arc;

use rusqlite::params;
use valetkey_core::{
    Approval, ApprovalId, SessionId,
    approval::{Ending, State},
    ports::{ApprovalError, LedgerError},
    record::SealedRecord,
};

use super::Batch;
use crate::{
    bound::{Bound, Subject},
    job::Outcome,
    key,
};

/// Changes no row of another session.
const APPROVAL: &str =
    "INSERT INTO approvals (id, session, changed, approval) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (id) DO UPDATE SET changed = excluded.changed, approval = excluded.approval
    WHERE session = excluded.session";

impl Batch<'_> {
    pub(super) fn approval(
        &mut self,
        approval: &Arc<Approval>,
        json: &str,
        record: &SealedRecord,
    ) -> rusqlite::Result<Outcome> {
        if let Err(refused) = self.admit(approval) {
            return Ok(Err(refused));
        }
        let (id, session) = (approval.id.to_string(), key::session(approval.session));
        let changed = self.run(APPROVAL, params![id, session, self.next()?, json])?;
        if changed == 0 {
            return Ok(Err(ApprovalError::Unknown));
        }
        let bound = Bound::new(Subject::approval(approval.id), Some(json));
        self.chain(record, Some(bound))?;
        self.approvals.insert(approval.id, Arc::clone(approval));
        Ok(Ok(self.head.sequence))
    }

    /// Whether a person took back what a token was given for. Decided here, in the order of the records:
    /// whoever asked before its end was queued may come behind it.
    pub(super) fn is_taken_back(&self, session: SessionId, id: ApprovalId) -> bool {
        let known = self.known(session, id);
        known.is_some_and(|known| {
            let ending = Ending::TakenBack;
            matches!(known.state, State::Over { ending: e, .. } if e == ending)
        })
    }

    /// Whether it follows from what is stored, and from what this batch has stored before it.
    fn admit(&self, next: &Approval) -> Result<(), ApprovalError> {
        // The end of a session is shown before it is queued.
        if !self.shared.live.is_lasting(next.session) {
            return Err(LedgerError::SessionGone.into());
        }
        let known = self.known(next.session, next.id);
        let in_the_way = match known {
            Some(known) if known.revision.checked_add(1) == Some(next.revision) => None,
            Some(known) => Some(known),
            None if next.revision == 1 => self.covering(next),
            None => return Err(ApprovalError::Unknown),
        };
        in_the_way.map_or(Ok(()), |other| Err(ApprovalError::Conflict(other)))
    }

    /// An approval of that session as it stands now.
    fn known(&self, session: SessionId, id: ApprovalId) -> Option<Arc<Approval>> {
        let here = self.approvals.get(&id);
        let here = here.filter(|known| known.session == session).cloned();
        here.or_else(|| self.shared.questions.find(session, id))
    }

    /// An open question of the same session that asks for this already.
    fn covering(&self, next: &Approval) -> Option<Arc<Approval>> {
        let asked = &next.asked;
        let covers = |open: &Arc<Approval>| {
            open.is_open()
                && open
                    .asked
                    .covers(&asked.credential, &asked.grant, asked.tier)
        };
        let mut stored = self.shared.questions.of(next.session).into_iter();
        let stored = stored.find(|open| !self.approvals.contains_key(&open.id) && covers(open));
        stored.or_else(|| {
            let mut here = self.approvals.values();
            here.find(|open| open.session == next.session && covers(open))
                .cloned()
        })
    }
}
