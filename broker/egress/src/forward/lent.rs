//! What was lent for each origin, so that it does not come back: not with the answer to the request that
//! carried it, nor with a later one that carried nothing.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use valetkey_codes::Code;
use valetkey_core::{Injection, Placement, Refusal, network::Origin};
use valetkey_inject::Needles;
use valetkey_secret::SameSecret as _;

use crate::gate::Loan;

/// Most values that are remembered for one origin: the newest.
const VALUES: usize = 8;
/// Most origins that are remembered.
const ORIGINS: usize = 1024;

/// A value and how it was sent.
pub(super) type Sent = (Arc<Loan>, Arc<Injection>);

/// What was lent by the broker, to every session.
#[derive(Default)]
pub(crate) struct Lent(Mutex<HashMap<Origin, Remembered>>);

struct Remembered {
    sent: Vec<Sent>,
    needles: Arc<Needles>,
}

impl Lent {
    /// What to search for in the answer to a request that carries `sent`; `None` where nothing was ever
    /// lent for the origin.
    ///
    /// # Errors
    /// Where it cannot be searched for: then the request does not go.
    pub(super) fn needles(
        &self,
        origin: &Origin,
        sent: &[Sent],
    ) -> Result<Option<Arc<Needles>>, Refusal> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = all.get(origin);
        if let Some(before) = before
            && sent
                .iter()
                .all(|new| before.sent.iter().any(|old| is_same(old, new)))
        {
            return Ok(Some(Arc::clone(&before.needles)));
        }
        if sent.is_empty() {
            return Ok(None);
        }
        let mut together = sent.to_vec();
        for old in before.iter().flat_map(|before| &before.sent) {
            if together.len() < VALUES && !together.iter().any(|new| is_same(old, new)) {
                together.push(old.clone());
            }
        }
        let values = together.iter().map(|(loan, _)| &loan.value);
        let users = together.iter().filter_map(|(_, way)| user(way));
        let needles = Needles::new(values, users)
            .map_err(|error| Refusal::new(Code::Internal).because(error.to_string()))?;
        let needles = Arc::new(needles);
        if all.len() >= ORIGINS && !all.contains_key(origin) {
            all.clear();
        }
        let remembered = Remembered {
            sent: together,
            needles: Arc::clone(&needles),
        };
        all.insert(origin.clone(), remembered);
        Ok(Some(needles))
    }
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
