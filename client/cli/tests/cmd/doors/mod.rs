//! What the scripted broker answers, call by call.

mod admin;
mod agent;
pub(crate) mod decisions;
mod developer;

use std::{pin::Pin, sync::Arc};

use tokio_stream::{Stream, iter};
use tonic::{Response, Status};
use valetkey_sdk::wire::{admin as wire, developer as dev};

use crate::stub::Script;

/// The year 2100, in seconds since the epoch.
pub(crate) const FAR: u64 = 4_102_444_800;

/// A session that is held.
pub(crate) const HELD: &str = "01a1f989d68175f48f7a320e7fdaf21b";

pub(crate) type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[derive(Clone)]
pub(crate) struct Doors(pub(crate) Arc<Script>);

impl Doors {
    fn word(&self) -> String {
        self.0.word.clone()
    }

    /// As many as this, or one where something is ill.
    fn some(&self, many: u64) -> u64 {
        if self.0.ill { 1 } else { many }
    }

    fn user(&self) -> dev::User {
        dev::User {
            issuer: "https://idp.test".to_owned(),
            subject: "sub-1".to_owned(),
            display: self.word(),
            groups: vec![self.word()],
        }
    }

    fn session(&self, id: &str, state: &str) -> dev::Session {
        dev::Session {
            id: id.to_owned(),
            account: "default".to_owned(),
            user: Some(self.user()),
            agent: "coder".to_owned(),
            workspace: Some(self.word()),
            state: state.to_owned(),
            state_reason: Some(self.word()),
            revoked_by: None,
            started_at: 1_000_000_000,
            expires_at: FAR,
            profile: None,
            socket: Some(format!("/run/{}/session.sock", self.word())),
        }
    }

    fn admin_session(&self) -> wire::Session {
        wire::Session {
            id: "s-1".to_owned(),
            issuer: "https://idp.test".to_owned(),
            subject: "sub-1".to_owned(),
            display: self.word(),
            agent: "coder".to_owned(),
            workspace: None,
            state: "active".to_owned(),
            started_at: 1_000_000_000,
            expires_at: FAR,
        }
    }
}

pub(crate) fn reply<T>(answer: T) -> Result<Response<T>, Status> {
    Ok(Response::new(answer))
}

pub(crate) fn stream<T: Send + 'static>(answers: Vec<T>) -> Result<Response<Answers<T>>, Status> {
    let answers: Vec<_> = answers.into_iter().map(Ok).collect();
    reply(Box::pin(iter(answers)))
}
