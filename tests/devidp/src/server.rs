//! A provider on a thread of its own, which can go down and come back.
//!
//! The thread has its own runtime, so that a test may be synchronous, or run on a paused clock, and so
//! that going down closes every connection at once, as a machine that loses power would.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::config::Config;
use crate::control::{Change, KeyChange, Report};
use crate::fault::Fault;
use crate::provider::{Counters, Provider};
use crate::routes::router;

/// A running provider. Dropping it stops it.
pub struct DevIdp {
    provider: Arc<Provider>,
    address: SocketAddr,
    server: Mutex<Option<Server>>,
}

impl DevIdp {
    /// Starts a provider on the loopback address and returns when it listens.
    ///
    /// # Errors
    /// The port is taken, or the system gives no randomness, thread or runtime.
    pub fn start(config: Config) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, config.port))?;
        let address = listener.local_addr()?;
        let provider = Provider::new(format!("http://{address}"), config);
        let provider = Arc::new(provider.map_err(|_| io::Error::other("no randomness for a key"))?);
        let server = Server::start(listener, Arc::clone(&provider))?;
        Ok(Self {
            provider,
            address,
            server: Mutex::new(Some(server)),
        })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.provider.issuer
    }

    /// Misbehaves in exactly these ways from now on; `[]` behaves again.
    pub fn misbehave(&self, faults: impl IntoIterator<Item = Fault>) {
        self.change(Change {
            faults: Some(faults.into_iter().collect()),
            ..Change::default()
        });
    }

    /// ID tokens issued from now on live this long. Whole seconds.
    pub fn set_id_token_lifetime(&self, lifetime: Duration) {
        self.change(Change {
            id_token_lifetime: Some(lifetime.as_secs()),
            ..Change::default()
        });
    }

    /// Access tokens issued from now on live this long. Whole seconds.
    pub fn set_access_token_lifetime(&self, lifetime: Duration) {
        self.change(Change {
            access_token_lifetime: Some(lifetime.as_secs()),
            ..Change::default()
        });
    }

    /// Puts the clock that dates ID tokens this many seconds ahead; negative is behind.
    pub fn set_clock_skew(&self, seconds: i64) {
        self.change(Change {
            clock_skew: Some(seconds),
            ..Change::default()
        });
    }

    /// The user leaves: refresh is `invalid_grant`, a login is `access_denied`.
    pub fn revoke_user(&self, name: &str) {
        self.change(Change {
            revoke_user: Some(name.to_owned()),
            ..Change::default()
        });
    }

    /// The user is back, with the logins they had.
    pub fn restore_user(&self, name: &str) {
        self.change(Change {
            restore_user: Some(name.to_owned()),
            ..Change::default()
        });
    }

    /// A new key signs, the old one stays in the key set.
    pub fn rotate_keys(&self) {
        self.change(Change {
            keys: Some(KeyChange::Rotate),
            ..Change::default()
        });
    }

    /// A new key signs, and the old ones are gone.
    pub fn replace_keys(&self) {
        self.change(Change {
            keys: Some(KeyChange::Replace),
            ..Change::default()
        });
    }

    /// How many requests each endpoint has seen.
    #[must_use]
    pub fn counters(&self) -> Counters {
        *self.provider.counters.borrow()
    }

    /// Waits until the counters are as wanted; at once if they are already. Has no deadline of its own.
    /// Cancel safe.
    pub async fn seen(&self, wanted: impl FnMut(&Counters) -> bool) -> Counters {
        let mut counters = self.provider.counters.subscribe();
        // It fails only when the sender is gone, and the sender is ours.
        counters
            .wait_for(wanted)
            .await
            .map_or_else(|_| self.counters(), |seen| *seen)
    }

    /// Counters, faults, and who has a refresh token that works.
    #[must_use]
    pub fn report(&self) -> Report {
        self.provider.report()
    }

    /// Closes the port and every connection, answered or not. What was granted is kept.
    /// Does nothing if it is already down. Blocks for the moment that takes.
    pub fn go_down(&self) {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        drop(server.take());
    }

    /// Listens again on the same port, with the same keys, users and grants. Does nothing if it is up.
    ///
    /// # Errors
    /// Somebody else took the port in the meantime.
    pub fn come_back(&self) -> io::Result<()> {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        if server.is_none() {
            let listener = TcpListener::bind(self.address)?;
            *server = Some(Server::start(listener, Arc::clone(&self.provider))?);
        }
        Ok(())
    }

    fn change(&self, change: Change) {
        // Only a new key can fail, for want of randomness; then the old one goes on, and the test that
        // asked for a new one fails by itself.
        let _ = self.provider.change(change);
    }
}

/// The thread. Dropping it ends the thread and waits for it.
struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(listener: TcpListener, provider: Arc<Provider>) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listener = {
            let _context = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("devidp".to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    tokio::select! {
                        _ = axum::serve(listener, router(provider)) => {}
                        _ = stopped => {}
                    }
                });
                // Here the runtime is dropped, and every connection with it.
            })?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use super::*;

    /// One request over a real socket; the first line of the answer.
    fn over_the_wire(idp: &DevIdp, path: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(idp.issuer().trim_start_matches("http://"))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: devidp\r\nconnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.lines().next().unwrap_or_default().to_owned())
    }

    #[test]
    fn it_goes_down_with_its_connections_and_comes_back_on_the_same_port() {
        let idp = DevIdp::start(Config::default()).unwrap();
        assert_eq!(
            over_the_wire(&idp, "/jwks.json").unwrap(),
            "HTTP/1.1 200 OK"
        );
        let mut idle = TcpStream::connect(idp.issuer().trim_start_matches("http://")).unwrap();

        idp.go_down();
        assert!(over_the_wire(&idp, "/jwks.json").is_err());
        assert_eq!(idle.read(&mut [0]).unwrap_or(0), 0);

        idp.come_back().unwrap();
        assert_eq!(
            over_the_wire(&idp, "/jwks.json").unwrap(),
            "HTTP/1.1 200 OK"
        );
        assert_eq!(idp.counters().jwks, 2);
    }

    #[tokio::test]
    async fn a_test_can_wait_until_a_request_was_seen_though_it_is_never_answered() {
        let idp = Arc::new(DevIdp::start(Config::default()).unwrap());
        idp.misbehave([Fault::DiscoveryHangs]);
        let asking = std::thread::spawn({
            let idp = Arc::clone(&idp);
            move || over_the_wire(&idp, "/.well-known/openid-configuration")
        });
        assert_eq!(
            idp.seen(|counters| counters.discovery == 1).await.discovery,
            1
        );
        idp.go_down();
        assert_eq!(asking.join().unwrap().unwrap_or_default(), "");
    }
}
