//! gRPC over a Unix socket.

use std::{io, path::Path, sync::Arc};

use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;

use crate::{
    Error,
    deadline::{self, within},
};

/// Looks at a fresh connection before anything is sent.
pub(crate) type Check = fn(&UnixStream) -> io::Result<()>;

/// Opens `path`. The channel opens it again by itself when the broker was restarted.
pub(crate) async fn open(path: &Path, check: Check) -> Result<Channel, Error> {
    let shared: Arc<Path> = path.into();
    let connector = service_fn(move |_: Uri| {
        let path = Arc::clone(&shared);
        async move {
            let stream = UnixStream::connect(path).await?;
            check(&stream)?;
            Ok::<_, io::Error>(TokioIo::new(stream))
        }
    });
    // The address is never resolved: it only fills the `:authority` of HTTP/2.
    let endpoint = Endpoint::from_static("http://valetkey");
    within(deadline::CONNECT, async {
        endpoint
            .connect_with_connector(connector)
            .await
            .map_err(|error| Error::connect(path, &error))
    })
    .await
}
