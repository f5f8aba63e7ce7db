//! The sessions that are not over, in memory.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use valetkey_core::{Session, SessionId, SessionState};

/// What every request looks into. A session that is over is here only while the disk does not know
/// it: what is over on the disk is read from there.
#[derive(Default)]
pub(crate) struct Live(RwLock<HashMap<SessionId, Arc<Session>>>);

impl Live {
    pub(crate) fn new(sessions: impl IntoIterator<Item = Session>) -> Self {
        let by_id = sessions.into_iter().map(|s| (s.id, Arc::new(s)));
        Self(RwLock::new(by_id.collect()))
    }

    pub(crate) fn load(&self, id: SessionId) -> Option<Arc<Session>> {
        let sessions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        sessions.get(&id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        let sessions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        sessions.values().cloned().collect()
    }

    pub(crate) fn is_active(&self, id: SessionId) -> bool {
        let sessions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let shown = sessions.get(&id);
        shown.is_some_and(|session| session.state == SessionState::Active)
    }

    /// Whether it is there and not over.
    pub(crate) fn is_lasting(&self, id: SessionId) -> bool {
        let sessions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let shown = sessions.get(&id);
        shown.is_some_and(|session| !session.state.is_final())
    }

    /// Whether the session is shown to be over, in another way than this one.
    pub(crate) fn contradicts(&self, session: &Session) -> bool {
        let sessions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let shown = sessions.get(&session.id);
        shown.is_some_and(|shown| shown.state.is_final() && shown.state != session.state)
    }

    /// Shows a change that takes authority away, before the disk is asked. What is over stays so.
    pub(crate) fn take_away(&self, session: &Arc<Session>) {
        let mut sessions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(shown) = sessions.get_mut(&session.id)
            && !shown.state.is_final()
        {
            *shown = Arc::clone(session);
        }
    }

    /// Shows what is on the disk now.
    pub(crate) fn settle(&self, session: &Arc<Session>) {
        let mut sessions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if session.state.is_final() {
            sessions.remove(&session.id);
            return;
        }
        let shown = sessions.entry(session.id);
        // Its end may be shown already while its record waits behind this one.
        shown
            .and_modify(|shown| {
                if !shown.state.is_final() {
                    *shown = Arc::clone(session);
                }
            })
            .or_insert_with(|| Arc::clone(session));
    }
}
