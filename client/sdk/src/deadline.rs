//! How long a call may take. Nothing in this crate waits without one of these, except
//! [`Events::next`](crate::Events::next) on a stream that was asked to follow.

use std::time::Duration;

use tokio::time::{self, Instant};

use crate::{Code, Error};

/// Opening the socket.
pub const CONNECT: Duration = Duration::from_secs(2);

/// An agent's call, unless [`Agent::with_deadline`](crate::Agent::with_deadline) says otherwise.
pub const AGENT: Duration = Duration::from_secs(30);

/// Longest that one call waits for an approval; a request that is to wait longer is made again. What is
/// waited comes on top of the agent's own deadline.
pub const APPROVAL: Duration = Duration::from_secs(600);

/// A developer's or admin's call. Long enough for a person to answer the keyring's own prompt.
pub const CONTROL: Duration = Duration::from_secs(90);

/// Walking the whole ledger.
pub const VERIFY: Duration = Duration::from_secs(600);

/// Reading the ledger or searching policies: an explanation, a simulation, a check.
pub const POLICIES: Duration = Duration::from_secs(600);

/// A login, from the first answer to the last: as long as a person may take in the browser.
pub const LOGIN: Duration = Duration::from_secs(900);

/// Ends `work` with [`Code::DeadlineExceeded`] when `limit` is over.
pub(crate) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    time::timeout(limit, work)
        .await
        .unwrap_or_else(|_elapsed| Err(exceeded()))
}

/// The same with a point in time; none means no end.
pub(crate) async fn until<T>(
    end: Option<Instant>,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match end {
        None => work.await,
        Some(end) => time::timeout_at(end, work)
            .await
            .unwrap_or_else(|_elapsed| Err(exceeded())),
    }
}

fn exceeded() -> Error {
    Error::plain(Code::DeadlineExceeded)
}
