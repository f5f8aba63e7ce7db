//! What the broker does by itself while it serves.

use std::{sync::Arc, time::Duration};

use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;
use valetkey_core::{Broker, lifecycle, policies};
use valetkey_store::Store;

/// How often sessions whose time is over are looked for. A request meets the end by itself; this is
/// how long a socket may outlive it.
const LOOK_AROUND: Duration = Duration::from_secs(1);

/// How long the ledger's end may stand without a signed checkpoint.
const CHECKPOINT: Duration = Duration::from_secs(5);

/// Ends sessions whose time is over.
pub(crate) async fn expire(broker: Broker, stop: CancellationToken) {
    while !stopped_within(LOOK_AROUND, &stop).await {
        if let Err(refusal) = lifecycle::expire_due(&broker).await {
            tracing::error!(
                detail = refusal.detail(),
                "a session could not be expired durably"
            );
        }
    }
}

/// Signs the end of the ledger.
pub(crate) async fn checkpoint(store: Arc<Store>, stop: CancellationToken) {
    while !stopped_within(CHECKPOINT, &stop).await {
        if let Err(error) = store.checkpoint().await {
            tracing::warn!(%error, "no checkpoint of the ledger");
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
            Err(refusal) => tracing::error!(
                detail = refusal.message(),
                "the policies are not valid; the earlier ones stay in force"
            ),
        }
    }
}

async fn stopped_within(pause: Duration, stop: &CancellationToken) -> bool {
    tokio::time::timeout(pause, stop.cancelled()).await.is_ok()
}
