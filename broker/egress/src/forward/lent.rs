//! What was lent, so that it does not come back: not with the answer to the request that carried it, nor with a
//! later one that carried nothing, nor in the rest of one that began before.
//!
//! Remembered for the credentials that go to an origin, and not for the origin: the configuration bounds how many
//! sets of those there are, and an agent chooses among its hosts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;
use valetkey_codes::Code;
use valetkey_core::{Injection, Moment, Placement, Refusal};
use valetkey_inject::{Live, Needles};
use valetkey_secret::SameSecret as _;

use crate::gate::{Lenders, Loan};

/// Most values that are remembered of one set of credentials, while they can still be used; the newest.
const VALUES: usize = 64;
/// Most that have ended.
const ENDED: usize = 4;

/// A value and how it was sent.
pub(super) type Sent = (Arc<Loan>, Arc<Injection>);

/// What was lent by the broker, to every session.
#[derive(Default)]
pub(crate) struct Lent(Mutex<HashMap<Lenders, Remembered>>);

struct Remembered {
    sent: Vec<Sent>,
    needles: watch::Sender<Arc<Needles>>,
}

impl Lent {
    /// What to search for in the answer to a request that carries `sent`, to where `lenders` go. `None` where
    /// nothing is ever lent.
    ///
    /// # Errors
    /// Where it cannot be searched for: then the request does not go.
    pub(super) fn needles(
        &self,
        lenders: Lenders,
        sent: &[Sent],
        now: Moment,
    ) -> Result<Option<Live>, Refusal> {
        if lenders.is_empty() {
            return Ok(None);
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(&lenders) {
            let mut new = Remembered {
                sent: Vec::new(),
                needles: watch::Sender::new(search_for(&[])?),
            };
            for (_, other) in all.iter().filter(|(other, _)| meet(other, &lenders)) {
                new.add(&other.sent, now)?;
            }
            all.insert(lenders.clone(), new);
        }
        // A host that more credentials go to, or fewer, does not tell it either.
        for (_, one) in all.iter_mut().filter(|(one, _)| meet(one, &lenders)) {
            if !sent.iter().all(|new| one.has(new)) {
                one.add(sent, now)?;
            }
        }
        let remembered = all.get(&lenders);
        Ok(remembered.map(|one| one.needles.subscribe().into()))
    }
}

impl Remembered {
    fn has(&self, new: &Sent) -> bool {
        self.sent.iter().any(|old| is_same(old, new))
    }

    /// The newest first; answers that are under way are searched for them from here on.
    fn add(&mut self, sent: &[Sent], now: Moment) -> Result<(), Refusal> {
        let mut together = sent.to_vec();
        let mut ended = 0;
        for old in &self.sent {
            let is_over = old.0.ends.passed(now);
            ended += usize::from(is_over);
            let room = together.len() < VALUES && (!is_over || ended <= ENDED);
            if room && !together.iter().any(|new| is_same(old, new)) {
                together.push(old.clone());
            }
        }
        self.needles.send_replace(search_for(&together)?);
        self.sent = together;
        Ok(())
    }
}

fn meet(one: &Lenders, other: &Lenders) -> bool {
    one.iter().any(|place| other.contains(place))
}

fn search_for(sent: &[Sent]) -> Result<Arc<Needles>, Refusal> {
    let values = sent.iter().map(|(loan, _)| &loan.value);
    let users = sent.iter().filter_map(|(_, way)| user(way));
    Needles::new(values, users)
        .map(Arc::new)
        .map_err(|error| Refusal::new(Code::Internal).because(error.to_string()))
}

fn is_same(old: &Sent, new: &Sent) -> bool {
    let value = Arc::ptr_eq(&old.0, &new.0) || old.0.value.same_secret(&new.0.value);
    value && user(&old.1) == user(&new.1)
}

fn user(way: &Injection) -> Option<&str> {
    match &way.place {
        Placement::Basic { user } => Some(user),
        _ => None,
    }
}
