//! A [`Sources`] whose tokens say what they are and are worth nothing.

use std::sync::{Mutex, PoisonError};

use valetkey_core::{
    Lease, LeaseId, Moment, SourceKind,
    ports::{Answer, Effect, Retraction, SourceError, Sources},
    request::Permit,
};
use valetkey_secret::IssuedToken;
use zeroize::Zeroizing;

/// Gives `fake-LEASE-EXPIRES`.
pub struct FakeSources {
    effect: Effect,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failing: bool,
    obtained: usize,
    revoked: Vec<LeaseId>,
}

impl Default for FakeSources {
    fn default() -> Self {
        Self::new(Effect::Local)
    }
}

impl FakeSources {
    /// A source with this effect outside the broker.
    pub fn new(effect: Effect) -> Self {
        Self {
            effect,
            state: Mutex::default(),
        }
    }

    /// Whether nothing is to be obtained or revoked from now on.
    pub fn fail(&self, failing: bool) {
        self.change(|state| state.failing = failing);
    }

    /// How many tokens were obtained.
    pub fn obtained(&self) -> usize {
        self.change(|state| state.obtained)
    }

    /// The leases that were taken back, in order.
    pub fn revoked(&self) -> Vec<LeaseId> {
        self.change(|state| state.revoked.clone())
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn open(state: &State) -> Result<(), SourceError> {
        if state.failing {
            return Err(SourceError::Unavailable("told to fail".to_owned()));
        }
        Ok(())
    }
}

impl Sources for FakeSources {
    fn effect(&self, _: SourceKind) -> Effect {
        self.effect
    }

    fn obtain<'a>(
        &'a self,
        permit: &'a Permit,
        lease: LeaseId,
        now: Moment,
    ) -> Answer<'a, Result<IssuedToken, SourceError>> {
        Box::pin(async move {
            self.change(|state| {
                Self::open(state)?;
                state.obtained += 1;
                Ok::<(), SourceError>(())
            })?;
            let token = format!("fake-{lease}-{}", permit.expires(now));
            Ok(IssuedToken::new(Zeroizing::new(token.into_bytes())))
        })
    }

    fn revoke<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Result<Retraction, SourceError>> {
        Box::pin(async move {
            self.change(|state| {
                Self::open(state)?;
                state.revoked.push(lease.id);
                Ok(Retraction::EndsAt(lease.expires))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use valetkey_core::{
        LeaseId,
        ports::{Clock as _, Sources},
    };

    use super::FakeSources;
    use crate::{
        MovableClock,
        contracts::sources::{Scene, Stage, fresh_lease, suite},
    };

    struct Fake(FakeSources);

    impl Stage for Fake {
        fn sources(&self) -> &dyn Sources {
            &self.0
        }
        fn read(&self, token: &str) -> (LeaseId, u64) {
            let mut parts = token.split('-').skip(1);
            let lease = LeaseId::parse(parts.next().unwrap()).unwrap();
            (lease, parts.next().unwrap().parse().unwrap())
        }
    }

    #[tokio::test]
    async fn keeps_the_contract() {
        let now = MovableClock::default().now();
        suite(|| Fake(FakeSources::default()), now).await;
    }

    #[tokio::test]
    async fn fails_when_told_to() {
        let now = MovableClock::default().now();
        let sources = FakeSources::default();
        sources.fail(true);
        let permit = Scene::new(now).permit(now);
        let refused = sources.obtain(&permit, fresh_lease(now), now).await;
        assert!(refused.is_err());
        assert_eq!(sources.obtained(), 0);
        sources.fail(false);
        assert!(sources.obtain(&permit, fresh_lease(now), now).await.is_ok());
        assert_eq!(sources.obtained(), 1);
    }
}
