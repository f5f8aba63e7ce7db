//! Where the launcher hands in the listener that it made inside a sandbox.
//!
//! One connection per room, from the launcher, outside the sandbox: a JSON line with the session and the
//! sandbox's first process, and with it the listening socket (`SCM_RIGHTS`, unix(7)). The answer is a JSON
//! line. The connection then stays open: when the launcher's end closes the room is empty, and when the
//! session is over the broker says so and closes.

mod receive;
mod socket;
mod visit;

use std::{io, sync::Arc, time::Duration};

use tokio_util::{sync::CancellationToken, task::TaskTracker};
use valetkey_codes::Code;
use valetkey_core::{Refusal, SessionId, ports::Answer};

use crate::Egress;

/// How long to rest after a failed `accept`.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Who is told that a sandbox is ready.
pub trait Entry: Send + Sync + 'static {
    /// Pins the session to the PID namespace of the sandbox whose first process is `sandbox_pid`, and
    /// records it. An error means that the sandbox gets no room.
    fn enter<'a>(&'a self, session: SessionId, sandbox_pid: i32)
    -> Answer<'a, Result<(), Refusal>>;

    /// The launcher has gone, and the sandbox with it.
    fn left(&self, session: SessionId) -> Answer<'_, ()>;

    /// Why the session is over; asked after [`Egress::close`], to tell the launcher.
    fn over(&self, session: SessionId) -> Answer<'_, Code>;
}

/// Reads a launcher's line, for `tests/fuzz`.
#[cfg(feature = "fuzzing")]
pub(crate) async fn line(stream: &tokio::net::UnixStream) -> Result<(SessionId, i32), Refusal> {
    let handed = receive::receive(stream).await?;
    Ok((handed.session, handed.sandbox))
}

/// Takes launchers in until `stop` says so, and sees out those that are there.
pub(crate) async fn serve(egress: &Arc<Egress>, stop: &CancellationToken) -> io::Result<()> {
    let path = socket::path(&egress.house().runtime);
    let listener = socket::bind(&path)?;
    let visits = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                visits.spawn(visit::attend(Arc::clone(egress), stream, stop.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a launcher was not accepted");
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }
    drop(listener);
    visits.close();
    visits.wait().await;
    socket::remove(&path)
}
