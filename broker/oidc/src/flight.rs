//! One flight for any number of callers.

use std::{collections::BTreeMap, sync::Mutex, sync::PoisonError};

use tokio::sync::watch;
use valetkey_core::AccountName;

/// Work that goes on whoever waits for it, so that a caller who leaves cannot stop a login between
/// the provider's answer and the keyring.
pub(crate) struct Flight<T>(watch::Receiver<Option<T>>);

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    /// Starts the work on the current runtime.
    pub(crate) fn launch(work: impl Future<Output = T> + Send + 'static) -> Self {
        let (land, landed) = watch::channel(None);
        tokio::spawn(async move {
            // Nobody may be waiting any more; the work was done all the same.
            drop(land.send(Some(work.await)));
        });
        Self(landed)
    }

    /// Whether the work is done, or died.
    pub(crate) fn has_landed(&self) -> bool {
        self.0.borrow().is_some() || self.0.has_changed().is_err()
    }

    /// The outcome; `None` only where the work died.
    pub(crate) async fn outcome(mut self) -> Option<T> {
        let landed = self.0.wait_for(Option::is_some).await.ok()?;
        landed.clone()
    }
}

impl<T> Clone for Flight<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// The flights of each account; the last one is kept until the next.
pub(crate) struct Flights<T>(Mutex<BTreeMap<AccountName, Flight<T>>>);

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    /// Joins the account's flight, or launches one with `work`.
    pub(crate) fn join<F>(&self, account: &AccountName, work: impl FnOnce() -> F) -> Flight<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match flights.get(account) {
            Some(flight) if !flight.has_landed() => flight.clone(),
            _ => {
                let flight = Flight::launch(work());
                flights.insert(account.clone(), flight.clone());
                flight
            }
        }
    }
}

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
        time::Duration,
    };

    use tokio::{sync::Notify, time::timeout};
    use valetkey_core::AccountName;

    use super::{Flight, Flights};

    #[tokio::test(start_paused = true)]
    async fn callers_share_one_flight_and_the_next_is_new() {
        let account = AccountName::parse("default").unwrap();
        let flights = Flights::default();
        let (takeoffs, gate) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
        let join = || {
            let (takeoffs, gate) = (Arc::clone(&takeoffs), Arc::clone(&gate));
            flights.join(&account, || async move {
                gate.notified().await;
                takeoffs.fetch_add(1, Ordering::Relaxed) + 1
            })
        };
        let (first, second) = (join(), join());
        gate.notify_one();
        assert_eq!(first.outcome().await, Some(1));
        let second = timeout(Duration::from_secs(1), second.outcome()).await;
        assert_eq!(second, Ok(Some(1)));
        let third = join();
        gate.notify_one();
        assert_eq!(third.outcome().await, Some(2));
    }

    #[tokio::test]
    async fn a_caller_who_leaves_stops_nothing() {
        let gate = Arc::new(Notify::new());
        let waiting = Arc::clone(&gate);
        let flight = Flight::launch(async move {
            waiting.notified().await;
            7
        });
        drop(flight.clone().outcome());
        gate.notify_one();
        assert_eq!(flight.outcome().await, Some(7));
    }

    #[tokio::test]
    async fn a_flight_that_died_is_told_and_replaced() {
        let account = AccountName::parse("default").unwrap();
        let flights: Flights<u32> = Flights::default();
        let died = flights.join(&account, || async { panic!("on purpose") });
        assert_eq!(died.clone().outcome().await, None);
        assert!(died.has_landed());
        let next = flights.join(&account, || async { 1 });
        assert_eq!(next.outcome().await, Some(1));
    }
}
