//! Approvals as a stream: all of them now, and again after every change.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream, stream::BoxStream};
use tokio::time::sleep;
use tonic::Status;
use valetkey_core::{AccountName, Refusal};
use valetkey_wire::developer::{Approval, WatchApprovalsRequest, WatchApprovalsResponse};

use super::{Office, view};

/// The shortest time between two tellings. What changes in between is told at once.
const PAUSE: Duration = Duration::from_millis(100);

struct Watch {
    office: Arc<Office>,
    account: AccountName,
    /// The last change that was told.
    seen: u64,
    told: Option<Vec<Approval>>,
}

/// What `account` sees, whenever it is something else than before. Ends when the broker stops. What time
/// alone ends is told when it is recorded, a second later at most.
pub(super) fn approvals(
    office: &Arc<Office>,
    request: &WatchApprovalsRequest,
) -> Result<BoxStream<'static, Result<WatchApprovalsResponse, Status>>, Refusal> {
    let watch = Watch {
        office: Arc::clone(office),
        account: view::account(&request.account)?,
        seen: 0,
        told: None,
    };
    let snapshots = stream::unfold(watch, |mut watch| async {
        let approvals = watch.next().await?;
        Some((Ok(WatchApprovalsResponse { approvals }), watch))
    });
    Ok(snapshots.boxed())
}

impl Watch {
    /// What is to be told next; `None` when the broker stops.
    async fn next(&mut self) -> Option<Vec<Approval>> {
        let office = Arc::clone(&self.office);
        tokio::select! {
            biased;
            () = office.ending.beginning() => None,
            news = self.news() => Some(news),
        }
    }

    async fn news(&mut self) -> Vec<Approval> {
        loop {
            if self.told.is_some() {
                sleep(PAUSE).await;
            }
            // Before it is looked at, so that no change falls in between; at once for the first time.
            self.seen = self.office.broker.ports.approvals.changed(self.seen).await;
            let approvals = self.office.approvals(&self.account).await;
            if self.told.as_ref() != Some(&approvals) {
                self.told = Some(approvals.clone());
                return approvals;
            }
        }
    }
}
