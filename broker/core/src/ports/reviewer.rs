//! A second pair of eyes.

use super::Answer;
use crate::{Approval, Opinion, Record};

/// What a reviewer is given.
#[derive(Debug)]
pub struct ReviewCase<'a> {
    /// The question. Its `reason` is the agent's and not to be trusted.
    pub approval: &'a Approval,
    /// What the session did lately, oldest first: the last records of it.
    pub history: &'a [Record],
    /// How often it was refused lately; a request that waits for an approval was not.
    pub refusals: usize,
    /// Whether `refusals` counts from the session's beginning; otherwise the ledger has grown by more
    /// than is searched.
    pub complete: bool,
}

/// Why there is no opinion. Each sends the question to a person.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// It cannot be asked.
    #[error("the reviewer cannot be asked: {0}")]
    Unavailable(String),
    /// It did not answer in time.
    #[error("the reviewer did not answer within {0} s")]
    Slow(u64),
    /// What it answered is not an opinion.
    #[error("the reviewer's answer does not count: {0}")]
    Nonsense(String),
}

/// An automatic reviewer.
pub trait Reviewer: Send + Sync {
    /// Its configured name: what policies and requirements call it.
    fn name(&self) -> &str;

    /// Asks it. Answers within a fixed bound. The core cleans and cuts what it says; a yes without a
    /// risk is none. Dropping the future abandons the question: a process is killed, a connection
    /// closed.
    fn review<'a>(&'a self, case: &'a ReviewCase<'a>) -> Answer<'a, Result<Opinion, ReviewError>>;
}
