//! Renewal in the background, and the end of the grace.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinSet, time};
use tokio_util::sync::CancellationToken;
use valetkey_core::ports::LoginRecord;

use crate::{accounts::Account, engine::Engine, trouble::Trouble};

/// Longest time, in milliseconds, that is slept through: timers stand still while the machine is
/// suspended, the clocks that decide do not.
const LONGEST_SLEEP: u64 = 30_000;
/// Shortest time, so that nothing can make the loop spin.
const SHORTEST_SLEEP: u64 = 200;

impl Engine {
    /// Reads the book. Asks neither provider nor keyring.
    pub(crate) async fn restore(&self) -> Result<(), Trouble> {
        let now = self.now();
        for record in self.journal.load().await? {
            let wait = half_life(&record).saturating_sub(now.unix_seconds());
            self.accounts
                .put(Account::restored(record, now.after(wait)));
        }
        self.changed.notify_one();
        Ok(())
    }

    /// Ends the logins whose grace is over, and then renews those whose time has come, side by side.
    /// Ready when all of it is done.
    pub(crate) async fn renew_due(self: &Arc<Self>) {
        // First, so that nothing is lent on an old login's word while the provider is being asked.
        self.lapse_due().await;
        let now = self.now();
        let due = self
            .accounts
            .pick(|account| account.record.dead.is_none() && account.renews.passed(now));
        let mut renewals = JoinSet::new();
        for account in due {
            let engine = Arc::clone(self);
            // What went wrong is noted where it went wrong.
            renewals.spawn(async move { drop(engine.refresh(&account).await) });
        }
        while renewals.join_next().await.is_some() {}
    }

    async fn lapse_due(&self) {
        let (now, grace) = (self.now(), self.grace());
        let over = self.accounts.pick(|account| {
            let over = account.record.dead.is_none()
                && !account.lapsed
                && account.known(now, grace).is_err();
            account.lapsed |= over;
            over
        });
        for name in over {
            let reason = self
                .accounts
                .with(&name, |account| Ok(account.lapse(grace)));
            if let Ok(reason) = reason {
                self.ended(&name, &reason).await;
            }
        }
    }

    /// Renews until `stop`. A renewal that is in flight then is not waited for, and not cut short
    /// either: it ends with the runtime.
    pub(crate) async fn renew_forever(self: &Arc<Self>, stop: CancellationToken) {
        loop {
            self.renew_due().await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.changed.notified() => {}
                () = time::sleep(self.until_next()) => {}
            }
        }
    }

    fn until_next(&self) -> Duration {
        let now = self.now();
        let mut least = LONGEST_SLEEP;
        self.accounts.pick(|account| {
            if account.record.dead.is_none() {
                let left = account.renews.unix_ms.saturating_sub(now.unix_ms);
                least = least.min(left);
            }
            false
        });
        Duration::from_millis(least.max(SHORTEST_SLEEP))
    }
}

/// When a login of an earlier run is due: seconds since the Unix epoch.
const fn half_life(record: &LoginRecord) -> u64 {
    let lifetime = record.expires.saturating_sub(record.confirmed);
    record.confirmed.saturating_add(lifetime / 2)
}
