//! The approvals of the sessions that are not over, in memory.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use tokio::sync::watch;
use valetkey_core::{Approval, ApprovalId, Moment, SessionId, approval::State, ports::Kept};

use crate::live::Live;

type OfSessions = HashMap<SessionId, BTreeMap<ApprovalId, Kept>>;

/// What is durable and nothing else: only the writer puts anything in. So it is what the writer
/// compares with, too.
pub(crate) struct Questions {
    kept: RwLock<OfSessions>,
    /// Grows with every change. Begins above nothing, so that whoever begins to listen is answered.
    changes: watch::Sender<u64>,
}

impl Questions {
    pub(crate) fn new(approvals: impl IntoIterator<Item = Approval>) -> Self {
        let mut kept = OfSessions::new();
        for approval in approvals {
            put(&mut kept, Arc::new(approval));
        }
        Self {
            kept: RwLock::new(kept),
            changes: watch::channel(1).0,
        }
    }

    pub(crate) fn find(&self, session: SessionId, id: ApprovalId) -> Option<Arc<Approval>> {
        let kept = self.read();
        let found = kept.get(&session).and_then(|of_it| of_it.get(&id));
        found.map(|kept| Arc::clone(&kept.approval))
    }

    /// Those of a session, oldest first.
    pub(crate) fn of(&self, session: SessionId) -> Vec<Arc<Approval>> {
        let kept = self.read();
        let of_it = kept.get(&session).into_iter().flat_map(BTreeMap::values);
        of_it.map(|kept| Arc::clone(&kept.approval)).collect()
    }

    /// Those of one session or of all, oldest first.
    pub(crate) fn list(&self, session: Option<SessionId>) -> Vec<Kept> {
        let kept = self.read();
        if let Some(session) = session {
            let of_it = kept.get(&session).into_iter().flat_map(BTreeMap::values);
            return of_it.cloned().collect();
        }
        let mut all: Vec<_> = kept.values().flat_map(BTreeMap::values).cloned().collect();
        // Ids sort by birth.
        all.sort_unstable_by_key(|kept| kept.approval.id);
        all
    }

    pub(crate) fn touch(&self, id: ApprovalId, now: Moment) {
        let mut kept = self.write();
        if let Some(kept) = kept.values_mut().find_map(|of_it| of_it.get_mut(&id)) {
            kept.used = now;
        }
    }

    /// Shows what is on the disk now, unless its session is over meanwhile.
    pub(crate) fn settle(&self, approval: &Arc<Approval>, live: &Live) {
        put(&mut self.write(), Arc::clone(approval));
        // Asked afterwards: an end that is shown later than this forgets it, see `Store::save`.
        if live.is_lasting(approval.session) {
            self.stir();
        } else {
            self.forget(approval.session);
        }
    }

    /// The session is over.
    pub(crate) fn forget(&self, session: SessionId) {
        let forgotten = self.write().remove(&session);
        if forgotten.is_some() {
            self.stir();
        }
    }

    /// Waits for a change beyond `seen`.
    pub(crate) async fn changed(&self, seen: u64) -> u64 {
        let mut changes = self.changes.subscribe();
        let grown = changes.wait_for(|count| *count > seen).await;
        // The sender lives as long as this, so the wait does not fail.
        grown.map_or(seen, |count| *count)
    }

    fn stir(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn read(&self) -> RwLockReadGuard<'_, OfSessions> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, OfSessions> {
        self.kept.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn put(kept: &mut OfSessions, approval: Arc<Approval>) {
    let used = match &approval.state {
        State::Granted { at, .. } => *at,
        _ => approval.at,
    };
    let of_it = kept.entry(approval.session).or_default();
    of_it.insert(approval.id, Kept { approval, used });
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use valetkey_support::contracts::{approvals, sessions};

    use super::Questions;
    use crate::live::Live;

    #[tokio::test]
    async fn what_is_stored_after_its_session_is_shown_to_be_over_is_not_shown() {
        let mine = sessions::session(1);
        let live = Live::new([mine.clone()]);
        let asked = approvals::question(1, &mine);
        let questions = Questions::new([asked.clone()]);
        let seen = questions.changed(0).await;
        live.take_away(&Arc::new(mine.end().unwrap()));
        questions.settle(&Arc::new(approvals::yes(&asked)), &live);
        assert!(questions.list(None).is_empty());
        assert!(questions.changed(seen).await > seen);
    }
}
