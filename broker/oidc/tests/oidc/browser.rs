//! A browser for the development provider: one request at a time, over plain HTTP on loopback.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use url::Url;
use valetkey_core::ports::LoginStart;

/// What came back.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) text: String,
}

/// Logs a user in where a person would click, by either method.
pub(crate) async fn log_in(start: &LoginStart, user: &str) {
    match start {
        LoginStart::Browser { url } => {
            let redirect = answer(url, user).await;
            get(&redirect).await;
        }
        LoginStart::Device {
            verification_uri,
            user_code,
            ..
        } => {
            let query = format!("user_code={user_code}&user={user}");
            let url = format!("{verification_uri}/approve?{query}");
            let page = send("POST", &url).await;
            assert_eq!(page.status, 200, "{page:?}");
        }
    }
}

/// The redirect that the provider sends the browser to.
pub(crate) async fn answer(url: &str, user: &str) -> String {
    let page = get(&format!("{url}&login_hint={user}")).await;
    page.location
        .unwrap_or_else(|| panic!("no redirect: {}", page.text))
}

pub(crate) async fn get(url: &str) -> Page {
    send("GET", url).await
}

async fn send(method: &str, url: &str) -> Page {
    let url: Url = url.parse().unwrap();
    let address = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let target = &url[url::Position::BeforePath..];
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    raw(&address, request.as_bytes()).await
}

/// Sends these bytes and reads to the end.
pub(crate) async fn raw(address: &str, request: &[u8]) -> Page {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut bytes = Vec::new();
    // A server that has seen enough may reset.
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.split(' ').nth(1).and_then(|word| word.parse().ok());
    let location = text.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("location")
            .then(|| value.to_owned())
    });
    Page {
        status: status.unwrap_or(0),
        location,
        text,
    }
}
