//! Tells an agent about its session, now and after every change, until it is over.

use std::sync::Arc;

use futures_util::{Stream, stream};
use tokio::sync::watch;
use tonic::Status;
use valetkey_core::{Session, SessionState};
use valetkey_wire::agent::WatchSessionResponse;

use super::{desk::Desk, grpc};
use crate::status;

struct Watch {
    desk: Desk,
    changes: watch::Receiver<()>,
    told: Option<SessionState>,
}

/// The stream of one watcher. Ends with the status that says why the session is over, or that the
/// broker stops.
pub(super) fn session(
    desk: Desk,
) -> impl Stream<Item = Result<WatchSessionResponse, Status>> + Send {
    let watch = Watch {
        changes: desk.door.changes.subscribe(),
        desk,
        told: None,
    };
    stream::unfold(Some(watch), |watch| async {
        let mut watch = watch?;
        Some(match watch.next().await {
            Some(session) => {
                let session = Some(grpc::session(&session));
                (Ok(WatchSessionResponse { session }), Some(watch))
            }
            None => {
                let parting = watch.desk.parting();
                (Err(status::grpc(&parting, watch.desk.reference())), None)
            }
        })
    })
}

impl Watch {
    /// The session at its next change of state; `None` when there will be no more.
    async fn next(&mut self) -> Option<Arc<Session>> {
        loop {
            // Marked as seen before it is looked at, so that no change falls in between.
            self.changes.mark_unchanged();
            let session = self.desk.load().ok()?;
            if session.state.is_final() || self.desk.door.ending.begun() {
                return None;
            }
            if self.told.as_ref() != Some(&session.state) {
                self.told = Some(session.state.clone());
                return Some(session);
            }
            tokio::select! {
                biased;
                () = self.desk.door.ending.beginning() => return None,
                changed = self.changes.changed() => changed.ok()?,
            }
        }
    }
}
