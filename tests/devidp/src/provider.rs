//! The provider's state: what every endpoint shares.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ring::error::Unspecified;
use serde::Serialize;
use tokio::sync::watch;

use crate::authorize::Logins;
use crate::books::Books;
use crate::config::{Config, User};
use crate::device::Devices;
use crate::fault::Fault;
use crate::keys::Keys;

/// How many requests each endpoint has seen, answered or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "each is the endpoint of that name")]
pub struct Counters {
    pub discovery: u64,
    pub jwks: u64,
    /// Authorization requests, not answers to the login page.
    pub authorize: u64,
    /// All requests to the token endpoint.
    pub token: u64,
    /// Of these, the ones with a refresh token.
    pub refresh: u64,
    /// Device authorization requests.
    pub device: u64,
    /// Token requests with a device code.
    pub device_poll: u64,
    pub revocation: u64,
    pub userinfo: u64,
    pub end_session: u64,
}

/// One provider.
pub(crate) struct Provider {
    pub(crate) issuer: String,
    pub(crate) config: Config,
    pub(crate) counters: watch::Sender<Counters>,
    state: Mutex<State>,
}

/// What changes.
pub(crate) struct State {
    pub(crate) books: Books,
    pub(crate) keys: Keys,
    pub(crate) logins: Logins,
    pub(crate) devices: Devices,
    pub(crate) faults: BTreeSet<Fault>,
    /// Seconds; the same for every ID token from now on.
    pub(crate) id_token_lifetime: u64,
    /// Seconds; the same for every access token from now on.
    pub(crate) access_token_lifetime: u64,
    /// Seconds by which this provider's clock is ahead of everybody else's.
    pub(crate) clock_skew: i64,
}

impl Provider {
    pub(crate) fn new(issuer: String, config: Config) -> Result<Self, Unspecified> {
        let state = State {
            books: Books::default(),
            keys: Keys::generate(config.alg)?,
            logins: Logins::default(),
            devices: Devices::default(),
            faults: BTreeSet::new(),
            id_token_lifetime: config.id_token_lifetime.as_secs(),
            access_token_lifetime: config.access_token_lifetime.as_secs(),
            clock_skew: 0,
        };
        Ok(Self {
            issuer,
            config,
            counters: watch::Sender::default(),
            state: Mutex::new(state),
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count(&self, what: impl FnOnce(&mut Counters)) {
        self.counters.send_modify(what);
    }

    pub(crate) fn has_fault(&self, fault: Fault) -> bool {
        self.state().faults.contains(&fault)
    }

    pub(crate) fn user(&self, name: &str) -> Option<&User> {
        self.config.users.iter().find(|user| user.name == name)
    }

    pub(crate) fn is_client(&self, id: &str) -> bool {
        self.config.clients.iter().any(|client| client == id)
    }
}
