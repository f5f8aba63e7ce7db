//! What was lent for each origin, so that it does not come back: not with the answer to the request that
//! carried it, nor with a later one that carried nothing, nor in the rest of one that began before.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;
use valetkey_codes::Code;
use valetkey_core::{Injection, Placement, Refusal, network::Origin};
use valetkey_inject::{Live, Needles};
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
    needles: watch::Sender<Arc<Needles>>,
}

impl Lent {
    /// What to search for in the answer to a request that carries `sent`. `None` where nothing was ever
    /// lent for the origin and nothing will be: `lends` says whether it may.
    ///
    /// # Errors
    /// Where it cannot be searched for: then the request does not go.
    pub(super) fn needles(
        &self,
        origin: &Origin,
        sent: &[Sent],
        lends: bool,
    ) -> Result<Option<Live>, Refusal> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(origin) {
            if sent.is_empty() && !lends {
                return Ok(None);
            }
            if all.len() >= ORIGINS {
                // Answers that are under way go on being searched.
                all.retain(|_, one| one.needles.receiver_count() > 0);
            }
            let needles = watch::Sender::new(search_for(&[])?);
            let sent = Vec::new();
            all.insert(origin.clone(), Remembered { sent, needles });
        }
        let Some(remembered) = all.get_mut(origin) else {
            return Ok(None);
        };
        if !sent.iter().all(|new| remembered.has(new)) {
            remembered.add(sent)?;
        }
        Ok(Some(remembered.needles.subscribe().into()))
    }
}

impl Remembered {
    fn has(&self, new: &Sent) -> bool {
        self.sent.iter().any(|old| is_same(old, new))
    }

    /// The newest first; answers that are under way are searched for them from here on.
    fn add(&mut self, sent: &[Sent]) -> Result<(), Refusal> {
        let mut together = sent.to_vec();
        for old in &self.sent {
            if together.len() < VALUES && !together.iter().any(|new| is_same(old, new)) {
                together.push(old.clone());
            }
        }
        self.needles.send_replace(search_for(&together)?);
        self.sent = together;
        Ok(())
    }
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
