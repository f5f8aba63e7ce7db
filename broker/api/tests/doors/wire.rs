//! Clients: HTTP/1.1 by hand, so that it can be said badly, and gRPC.

use std::{path::Path, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::UnixStream,
    time::timeout,
};
use tonic::{
    Request,
    transport::{Channel, Endpoint},
};
use valetkey_wire::{
    agent::agent_client::AgentClient, developer::developer_client::DeveloperClient,
};

use crate::house::Control;

/// An HTTP response.
pub(crate) struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn has(&self, header: &str) -> bool {
        self.head
            .to_ascii_lowercase()
            .contains(&format!("\r\n{}\r\n", header.to_ascii_lowercase()))
    }
}

pub(crate) async fn connect(socket: &Path) -> UnixStream {
    UnixStream::connect(socket).await.unwrap()
}

/// Sends `request` on `stream` and reads one response.
pub(crate) async fn say(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &[u8],
) -> Answer {
    stream.write_all(request).await.unwrap();
    hear(stream, request.starts_with(b"HEAD ")).await
}

/// Reads one response.
pub(crate) async fn hear(stream: &mut (impl AsyncRead + Unpin), bodyless: bool) -> Answer {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = stream.read_u8().await;
        head.push(byte.unwrap_or_else(|_| panic!("ended after {:?}", lossy(&head))));
    }
    let head = lossy(&head);
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let length = head
        .to_ascii_lowercase()
        .split("content-length: ")
        .nth(1)
        .map_or(0, |rest| {
            rest.split("\r\n").next().unwrap().parse().unwrap()
        });
    let mut body = vec![0; if bodyless { 0 } else { length }];
    stream.read_exact(&mut body).await.unwrap();
    Answer { status, head, body }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// One request on a connection of its own.
pub(crate) async fn http(
    socket: &Path,
    method: &str,
    path: &str,
    kind: &str,
    body: &str,
) -> Answer {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    say(&mut connect(socket).await, request.as_bytes()).await
}

pub(crate) async fn get(socket: &Path, path: &str) -> Answer {
    http(socket, "GET", path, "text/plain", "").await
}

pub(crate) async fn json(socket: &Path, body: &str) -> Answer {
    http(socket, "POST", "/v1/token", "application/json", body).await
}

pub(crate) async fn form(socket: &Path, body: &str) -> Answer {
    let kind = "application/x-www-form-urlencoded";
    http(socket, "POST", "/oauth2/token", kind, body).await
}

pub(crate) async fn withdraw(socket: &Path, id: &str) -> Answer {
    let path = format!("/v1/approvals/{id}");
    http(socket, "DELETE", &path, "text/plain", "").await
}

/// Everything until the other side closes; nothing where it resets. The bound is shorter than any
/// time after which a door would have closed a silent connection anyway.
pub(crate) async fn rest(stream: &mut UnixStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let read = timeout(Duration::from_secs(4), stream.read_to_end(&mut rest)).await;
    drop(read.expect("the door did not close the connection"));
    rest
}

pub(crate) async fn channel(socket: &Path) -> Channel {
    let endpoint = Endpoint::from_shared(format!("unix:{}", socket.display())).unwrap();
    endpoint.connect().await.unwrap()
}

pub(crate) async fn agent(socket: &Path) -> AgentClient<Channel> {
    AgentClient::new(channel(socket).await)
}

pub(crate) async fn developer(control: &Control) -> DeveloperClient<Channel> {
    DeveloperClient::new(channel(&control.path).await)
}

/// A request by the authority of `account`.
pub(crate) fn as_account<T>(account: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let account = account.parse().unwrap();
    request.metadata_mut().insert("valetkey-account", account);
    request
}

/// A piece of a status's metadata.
pub(crate) fn sign(status: &tonic::Status, key: &str) -> String {
    let value = status.metadata().get(key);
    value.map_or(String::new(), |value| value.to_str().unwrap().to_owned())
}
