//! Values that the proxy may use for a while. One at a time is asked for, however many requests want it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Mutex as AsyncMutex;
use valetkey_core::{
    ApprovalId, CredentialName, Moment, SessionId, network::Origin, request::Released,
};

use crate::{Loan, Way};

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
    pub(super) fn place(
        &self,
        session: SessionId,
        way: &Way,
        origin: &Origin,
    ) -> Arc<AsyncMutex<Place>> {
        let key = Key {
            credential: way.credential.clone(),
            scope: way.scope.as_str().into(),
            origin: origin.clone(),
        };
        let mut loans = self.locked();
        Arc::clone(loans.entry(session).or_default().entry(key).or_default())
    }

    /// What is out on loan is wiped as soon as nothing that was begun uses it.
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

    pub(super) fn put(&mut self, released: Released, now: Moment) -> Arc<Loan> {
        let approval = released.approval();
        let (lease, value) = released.into_parts();
        let left = lease.expires.saturating_sub(now.unix_seconds());
        let loan = Arc::new(Loan {
            value,
            ends: now.after(left),
        });
        self.0 = Some(Held {
            loan: Arc::clone(&loan),
            approval,
        });
        loan
    }
}
