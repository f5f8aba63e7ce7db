//! What a sandbox needs of the broker's side before it is made.

use std::path::PathBuf;

use super::Answer;
use crate::{CredentialName, Session, SessionId};

/// What the launcher puts into a sandbox, or keeps. None of it is a secret: it is of use in that sandbox alone.
#[derive(Clone, Debug, Default)]
pub struct Furniture {
    /// The certificate, in PEM, of the authority that vouches for intercepted hosts in this session and
    /// nowhere else.
    pub authority: String,
    /// What stands for each credential that can be put into requests.
    pub placeholders: Vec<(CredentialName, String)>,
    /// What the launcher shows to a broker that was started anew, so that it serves the same sandbox; sealed.
    /// `None` where it cannot be made: the sandbox then has no network after such a start.
    pub ticket: Option<String>,
}

/// Why a sandbox cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    /// The session's authority could not be made.
    #[error("the session's authority could not be made: {0}")]
    Authority(String),
}

/// The proxies of sessions.
pub trait Rooms: Send + Sync {
    /// Makes what the session's sandbox needs. Once for each session; a second call replaces the first.
    fn furnish<'a>(&'a self, session: &'a Session) -> Answer<'a, Result<Furniture, RoomError>>;

    /// What stands for a credential in the session's sandbox, where there is one.
    fn placeholder(&self, session: SessionId, credential: &str) -> Option<String>;

    /// Where the launcher hands a sandbox in.
    fn handover(&self) -> PathBuf;
}
