//! Values that the proxy may use for a while. One at a time is asked for, however many requests want it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Mutex as AsyncMutex;
use valetkey_codes::Code;
use valetkey_core::{
    ApprovalId, CredentialName, Moment, Refusal, SessionId, network::Origin, request::Released,
};

use crate::{Loan, Way};

/// How far the clock of whoever takes a value may be behind, in seconds.
const LEEWAY: u64 = 300;
/// Most loans of one session that have not ended: each is a value that is looked for in every answer.
const MOST: usize = 128;

#[derive(PartialEq, Eq, Hash)]
struct Key {
    credential: CredentialName,
    scope: Box<str>,
    origin: Origin,
}

/// Loans, by session and by what they are for.
#[derive(Default)]
pub(super) struct Loans(Mutex<HashMap<SessionId, OfSession>>);

type OfSession = HashMap<Key, Arc<AsyncMutex<Place>>>;

/// Where one loan is. Held while it is asked for.
#[derive(Default)]
pub(super) struct Place(Option<Held>);

pub(super) struct Held {
    pub(super) loan: Arc<Loan>,
    /// The approval that it rests on.
    pub(super) approval: Option<ApprovalId>,
}

impl Loans {
    /// Where that loan is.
    ///
    /// # Errors
    /// Where it would be one more, and the session has as many as it may.
    pub(super) fn place(
        &self,
        session: SessionId,
        way: &Way,
        origin: &Origin,
        now: Moment,
    ) -> Result<Arc<AsyncMutex<Place>>, Refusal> {
        let key = Key {
            credential: way.credential.clone(),
            scope: way.scope.as_str().into(),
            origin: origin.clone(),
        };
        let mut loans = self.locked();
        let of_session = loans.entry(session).or_default();
        if of_session.len() >= MOST && !of_session.contains_key(&key) {
            // One that is being asked for is held.
            of_session.retain(|_, place| {
                place
                    .try_lock()
                    .map_or(true, |place| place.holds(now).is_some())
            });
            if of_session.len() >= MOST {
                return Err(Refusal::new(Code::TooManyRequests)
                    .saying(
                        "the session has the values of as many hosts and scopes as it may at once",
                    )
                    .advising(
                        "wait until some have ended, 10 minutes as a rule, or use fewer hosts",
                    ));
            }
        }
        Ok(Arc::clone(of_session.entry(key).or_default()))
    }

    /// It is lent to nobody any more. What answers are searched for stays.
    pub(super) fn forget(&self, session: SessionId) {
        self.locked().remove(&session);
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, OfSession>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The loan, where it has not ended.
    pub(super) fn holds(&self, now: Moment) -> Option<&Held> {
        self.0.as_ref().filter(|held| !held.loan.ends.passed(now))
    }

    /// `outlives`: whether the value stays what it is when its lease has ended.
    pub(super) fn put(&mut self, released: Released, outlives: bool, now: Moment) -> Arc<Loan> {
        let approval = released.approval();
        let (lease, value) = released.into_parts();
        let left = lease.expires.saturating_sub(now.unix_seconds());
        let loan = Arc::new(Loan {
            value,
            ends: now.after(used_for(left)),
            worth: (!outlives).then(|| now.after(left.saturating_add(LEEWAY))),
        });
        self.0 = Some(Held {
            loan: Arc::clone(&loan),
            approval,
        });
        loan
    }
}

/// How long a value that lives `left` more seconds is put into requests: less by a quarter and a second, by
/// half a minute at most. A request takes its time to arrive, the host's clock is another, and what is left
/// was counted in whole seconds.
fn used_for(left: u64) -> u64 {
    const MOST: u64 = 30;
    let early = (left.div_ceil(4) + 1).min(MOST);
    left.saturating_sub(early).max(left.min(1))
}

#[cfg(test)]
mod tests {
    use super::used_for;

    #[test]
    fn a_value_is_renewed_before_it_expires() {
        for (left, used) in [(0, 0), (1, 1), (2, 1), (3, 1), (4, 2), (60, 44), (900, 870)] {
            assert_eq!(used_for(left), used, "{left}");
        }
    }
}
