//! Accepts connections at the listener that the sandbox made.

use std::{io::ErrorKind, sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::Semaphore, time::MissedTickBehavior};

use super::Room;
use crate::connection;

/// How long to rest after a failed `accept`: the usual reason is that descriptors ran out.
const ACCEPT_REST: Duration = Duration::from_millis(100);
/// How often idle connections to origins are looked through.
const REAP: Duration = Duration::from_secs(10);

impl Room {
    /// Accepts until dropped, or until the listener takes no more.
    pub(crate) async fn attend(self: &Arc<Self>, listener: &TcpListener) {
        let places = Arc::new(Semaphore::new(self.house.limits.connections));
        let mut reap = tokio::time::interval(REAP);
        reap.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let next = async {
                // The semaphore is never closed.
                let place = Arc::clone(&places).acquire_owned().await.ok();
                (place, listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                next = next => next,
                _ = reap.tick() => {
                    self.epoch().pool.reap();
                    continue;
                }
            };
            match accepted {
                Ok((stream, _)) => {
                    let (room, epoch) = (Arc::clone(self), self.epoch());
                    let within = Arc::clone(&epoch);
                    epoch.run(async move {
                        connection::serve(stream, room, within).await;
                        drop(place);
                    });
                }
                // Whoever made the listener can shut it down.
                Err(error) if error.kind() == ErrorKind::InvalidInput => return,
                Err(error) => {
                    tracing::warn!(session = %self.session, %error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            }
        }
    }
}
