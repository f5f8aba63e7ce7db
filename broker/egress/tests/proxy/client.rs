//! Clients inside the sandbox.

use std::{net::SocketAddr, sync::Arc};

use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Bytes, Incoming},
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::house::House;

/// Sends `head` as it is and reads until the end of the answer's body, or of the connection.
pub(crate) async fn raw(door: SocketAddr, head: &str) -> String {
    let mut stream = TcpStream::connect(door).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    whole(&mut stream).await
}

/// One answer: its head, and its body where it has a length.
pub(crate) async fn whole(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&answer).to_lowercase();
        if let Some(end) = text.find("\r\n\r\n") {
            let length = text[..end]
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.parse().unwrap());
            if answer.len() >= end + 4 + length {
                return String::from_utf8(answer).unwrap();
            }
        }
        if !matches!(stream.read_buf(&mut answer).await, Ok(1..)) {
            return String::from_utf8(answer).unwrap();
        }
    }
}

/// A tunnel to `authority`; the answer's head where there is none.
pub(crate) async fn connect(door: SocketAddr, authority: &str) -> Result<TcpStream, String> {
    let mut stream = TcpStream::connect(door).await.unwrap();
    let head = format!("CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = whole(&mut stream).await;
    if answer.starts_with("HTTP/1.1 200 ") {
        Ok(stream)
    } else {
        Err(answer)
    }
}

pub(crate) type Tls = TlsStream<TcpStream>;

/// TLS through `tunnel`, trusting `pem`.
pub(crate) async fn tls(
    tunnel: TcpStream,
    name: &str,
    pem: &str,
    protocols: &[&[u8]],
) -> std::io::Result<Tls> {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|one| one.to_vec()).collect();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, tunnel)
        .await
}

/// TLS to a host that is looked into.
pub(crate) async fn inside(house: &House, authority: &str, protocols: &[&[u8]]) -> Tls {
    let tunnel = connect(house.door, authority).await.unwrap();
    let name = authority.split(':').next().unwrap();
    tls(tunnel, name, &house.ca_pem, protocols).await.unwrap()
}

pub(crate) async fn http1<S, B>(stream: S) -> http1::SendRequest<B>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    B: hyper::body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection.with_upgrades());
    sender
}

pub(crate) async fn http2<S, B>(stream: S) -> http2::SendRequest<B>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    B: hyper::body::Body + Unpin + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let io = TokioIo::new(stream);
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(1 << 16)
        .handshake(io)
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

pub(crate) fn get(uri: &str, host: &str) -> Request<Full<Bytes>> {
    Request::get(uri)
        .header("host", host)
        .body(Full::default())
        .unwrap()
}

pub(crate) async fn text(response: Response<Incoming>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}
