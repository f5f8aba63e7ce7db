//! Carries questions to where people are.

use super::Answer;
use crate::{Approval, UserId, approval};

/// An answer that was carried back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriedAnswer {
    /// Who gave it, as the messenger vouches.
    pub by: crate::User,
    /// What they said.
    pub answer: approval::Answer,
    /// The digest of what they were shown.
    pub digest: String,
}

/// Why a question did not arrive, or its answer did not come back. The question stays open.
#[derive(Debug, thiserror::Error)]
pub enum MessengerError {
    /// Nobody is there to take it; asking again will not help.
    #[error("{0}")]
    Absent(String),
    /// It failed; asking again may help.
    #[error("{0}")]
    Failed(String),
    /// What came back is not to be believed.
    #[error("the answer is not to be believed: {0}")]
    Forged(String),
}

/// A way to people.
pub trait Messenger: Send + Sync {
    /// What it is called in log and ledger.
    fn name(&self) -> &str;

    /// Tells of an open question, and waits for its answer where one can come back this way: `None`
    /// where it cannot. `asker` is the user whose session asks. Dropping the future stops waiting, and
    /// nothing is left behind but what was shown.
    fn carry<'a>(
        &'a self,
        question: &'a Approval,
        asker: &'a UserId,
    ) -> Answer<'a, Result<Option<CarriedAnswer>, MessengerError>>;
}
