//! Connects to an origin, within a time.

use std::{net::SocketAddr, sync::Arc};

use rustls::pki_types::ServerName;
use tokio::{net::TcpStream, sync::Semaphore, time::timeout};
use tokio_rustls::TlsConnector;
use valetkey_codes::Code;
use valetkey_core::{
    Refusal,
    network::{Endpoint, Origin, Scheme},
};

use super::{Leg, Resolve, Trust, resolve};
use crate::{Limits, gate::Gate};

/// What connecting needs.
#[derive(Clone, Copy)]
pub(crate) struct Way<'a> {
    pub gate: &'a Arc<dyn Gate>,
    pub resolver: &'a dyn Resolve,
    pub trust: &'a Trust,
    pub limits: &'a Limits,
    pub lookups: &'a Arc<Semaphore>,
}

/// A connection, and whether HTTP/2 was agreed on.
pub(crate) struct Reached {
    pub leg: Leg,
    pub h2: bool,
}

impl Way<'_> {
    /// A connection to `origin`; over TLS also HTTP/2 where `h2` is spoken on the near side.
    pub(crate) async fn reach(self, origin: &Origin, h2: bool) -> Result<Reached, Refusal> {
        let reaching = async {
            #[cfg(feature = "fuzzing")]
            if let Some(far) = crate::fuzzing::dial(origin) {
                self.addresses(&origin.endpoint).await?;
                let (leg, h2) = (Leg::InMemory(far), false);
                return Ok(Reached { leg, h2 });
            }
            let stream = self.connect(&origin.endpoint).await?;
            match origin.scheme {
                Scheme::Http => Ok(Reached {
                    leg: Leg::Plain(stream),
                    h2: false,
                }),
                Scheme::Https => self.secure(stream, &origin.endpoint, h2).await,
            }
        };
        self.in_time(reaching).await
    }

    /// A bare connection to `endpoint`.
    pub(crate) async fn tunnel(self, endpoint: &Endpoint) -> Result<TcpStream, Refusal> {
        self.in_time(self.connect(endpoint)).await
    }

    async fn in_time<T>(
        self,
        reaching: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Refusal> {
        let within = self.limits.connect_timeout;
        timeout(within, reaching).await.unwrap_or_else(|_| {
            let seconds = within.as_secs_f64();
            Err(Refusal::new(Code::HostUnreachable)
                .saying(format!("the host did not answer within {seconds} s")))
        })
    }

    async fn connect(self, endpoint: &Endpoint) -> Result<TcpStream, Refusal> {
        let addresses = self.addresses(endpoint).await?;
        let mut last = None;
        for address in addresses {
            match connect_to(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(error),
            }
        }
        let why = last.map(|error| error.to_string()).unwrap_or_default();
        Err(Refusal::new(Code::HostUnreachable).because(why))
    }

    async fn addresses(self, endpoint: &Endpoint) -> Result<Vec<SocketAddr>, Refusal> {
        resolve::addresses(&**self.gate, (self.resolver, self.lookups), endpoint).await
    }

    async fn secure(
        self,
        stream: TcpStream,
        endpoint: &Endpoint,
        h2: bool,
    ) -> Result<Reached, Refusal> {
        let name = ServerName::try_from(endpoint.host.as_str().to_owned())
            .map_err(|error| Refusal::new(Code::HostUnreachable).because(error.to_string()))?;
        let config = if h2 {
            &self.trust.either
        } else {
            &self.trust.http1
        };
        let connector = TlsConnector::from(Arc::clone(config));
        let stream = connector.connect(name, stream).await.map_err(|error| {
            Refusal::new(Code::HostUnreachable)
                .saying(format!("the proxy does not accept the host's tls: {error}"))
                .advising("where the host's certificate is of an authority of your own, the developer names that in `network.extra_ca` and restarts the broker")
        })?;
        let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Reached {
            leg: Leg::Tls(Box::new(stream)),
            h2,
        })
    }
}

async fn connect_to(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
