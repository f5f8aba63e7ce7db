//! Which messages came back before.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, PoisonError},
};

/// How many are remembered. One that is forgotten is still refused for its age, its question and its
/// nonce.
const REMEMBERED: usize = 1024;

/// The ids of the last messages.
#[derive(Default)]
pub(crate) struct Seen(Mutex<Ids>);

#[derive(Default)]
struct Ids {
    all: HashSet<Box<str>>,
    order: VecDeque<Box<str>>,
}

impl Seen {
    /// Whether this is the first message of that id.
    pub(crate) fn is_new(&self, id: &str) -> bool {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !ids.all.insert(id.into()) {
            return false;
        }
        ids.order.push_back(id.into());
        if ids.order.len() > REMEMBERED
            && let Some(oldest) = ids.order.pop_front()
        {
            ids.all.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{REMEMBERED, Seen};

    #[test]
    fn a_message_counts_once() {
        let seen = Seen::default();
        assert!(seen.is_new("a") && seen.is_new("b"));
        assert!(!seen.is_new("a") && !seen.is_new("b"));
    }

    #[test]
    fn it_does_not_grow() {
        let seen = Seen::default();
        for n in 0..=REMEMBERED {
            assert!(seen.is_new(&n.to_string()));
        }
        assert!(!seen.is_new("1"));
        assert!(seen.is_new("0"), "the oldest made room");
        assert_eq!(seen.0.lock().unwrap().all.len(), REMEMBERED);
    }
}
