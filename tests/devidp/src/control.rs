//! `/_control`: the switch for scripts. Rust tests use the methods of [`DevIdp`](crate::DevIdp).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::error::OauthError;
use crate::fault::Fault;
use crate::provider::{Counters, Provider};

/// What `GET /_control` answers.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Requests seen.
    pub counters: Counters,
    /// What is wrong right now.
    pub faults: BTreeSet<Fault>,
    /// How many refresh tokens each user could use right now; users without are not listed.
    pub live_refresh_tokens: BTreeMap<String, usize>,
}

/// What `POST /_control` takes. Everything is optional; what is absent stays as it is.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Replaces the set of faults.
    pub(crate) faults: Option<BTreeSet<Fault>>,
    /// Seconds.
    pub(crate) id_token_lifetime: Option<u64>,
    /// Seconds.
    pub(crate) access_token_lifetime: Option<u64>,
    /// Seconds by which this provider's clock is ahead.
    pub(crate) clock_skew: Option<i64>,
    /// Nothing of this user works any more.
    pub(crate) revoke_user: Option<String>,
    /// It does again.
    pub(crate) restore_user: Option<String>,
    pub(crate) keys: Option<KeyChange>,
}

/// What happens to the signing keys.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyChange {
    /// A new one signs, the old one still verifies.
    Rotate,
    /// A new one signs, the old ones are gone.
    Replace,
}

impl Provider {
    pub(crate) fn report(&self) -> Report {
        let counters = *self.counters.borrow();
        let state = self.state();
        Report {
            counters,
            faults: state.faults.clone(),
            live_refresh_tokens: state.books.live(),
        }
    }

    pub(crate) fn change(&self, change: Change) -> Result<(), ring::error::Unspecified> {
        let state = &mut *self.state();
        match change.keys {
            Some(KeyChange::Rotate) => state.keys.rotate(self.config.alg)?,
            Some(KeyChange::Replace) => state.keys.replace(self.config.alg)?,
            None => {}
        }
        state.faults = change
            .faults
            .unwrap_or_else(|| std::mem::take(&mut state.faults));
        state.id_token_lifetime = change.id_token_lifetime.unwrap_or(state.id_token_lifetime);
        state.access_token_lifetime = change
            .access_token_lifetime
            .unwrap_or(state.access_token_lifetime);
        state.clock_skew = change.clock_skew.unwrap_or(state.clock_skew);
        if let Some(user) = change.revoke_user {
            state.books.expel(&user);
        }
        if let Some(user) = change.restore_user {
            state.books.readmit(&user);
        }
        Ok(())
    }
}

pub(crate) async fn read(State(provider): State<Arc<Provider>>) -> Json<Report> {
    Json(provider.report())
}

pub(crate) async fn write(
    State(provider): State<Arc<Provider>>,
    Json(change): Json<Change>,
) -> Result<Json<Report>, OauthError> {
    provider.change(change)?;
    Ok(Json(provider.report()))
}
