//! What the broker does by itself while it serves.

use std::{sync::Arc, time::Duration};

use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;
use valetkey_core::{Broker, approvals, lifecycle, policies};
use valetkey_store::{CheckpointError, Store};

/// How often it is looked for what is due: sessions whose time is over (a request meets the end by
/// itself; this is how long a socket may outlive it), and checkpoints of the ledger.
const LOOK_AROUND: Duration = Duration::from_secs(1);

/// How long the ledger's end may stand without a signed checkpoint.
pub(crate) const CHECKPOINT_AFTER: Duration = Duration::from_secs(5);

/// Ends sessions, questions and answers whose time is over.
pub(crate) async fn expire(broker: Broker, stop: CancellationToken) {
    while !stopped_within(LOOK_AROUND, &stop).await {
        if let Err(refusal) = lifecycle::expire_due(&broker).await {
            tracing::error!(
                detail = refusal.detail(),
                "a session could not be expired durably"
            );
        }
        if let Err(refusal) = approvals::expire_due(&broker).await {
            tracing::error!(
                detail = refusal.detail(),
                "an approval could not be expired durably"
            );
        }
    }
}

/// Signs the end of the ledger.
pub(crate) async fn checkpoint(store: Arc<Store>, stop: CancellationToken) {
    while !stopped_within(LOOK_AROUND, &stop).await {
        match store.checkpoint_when_due().await {
            Err(error @ (CheckpointError::Contradicted(_) | CheckpointError::Damaged)) => {
                tracing::error!(%error, "the end of the ledger is not vouched for");
            }
            Err(error) => tracing::warn!(%error, "no checkpoint of the ledger"),
            Ok(_) => {}
        }
    }
}

/// Reads the policies again at every SIGHUP.
pub(crate) async fn reload(broker: Broker, mut hangup: Signal, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = hangup.recv() => {}
        }
        match policies::reload(&broker).await {
            Ok(summary) => {
                tracing::info!(policies = summary.policies, "the policies were read again")
            }
            Err(refusal) => {
                tracing::error!(
                    detail = refusal.message(),
                    "the policies were not read again"
                )
            }
        }
    }
}

async fn stopped_within(pause: Duration, stop: &CancellationToken) -> bool {
    tokio::time::timeout(pause, stop.cancelled()).await.is_ok()
}
