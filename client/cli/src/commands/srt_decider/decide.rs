//! One request, decided by the broker.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use valetkey_sdk::{Agent, Code};

use super::{hosts::Host, protocol::Request};

/// How long the broker may take to decide, beyond what people may take to answer. With four seconds for
/// those, the answer is there before the proxy gives up, which is after five.
const GRACE: Duration = Duration::from_millis(800);
/// What is missing of a second and still counts as one: the broker waits for whole ones, and some of the
/// first is always gone.
const NEARLY: Duration = Duration::from_millis(200);

/// What requests are decided by.
pub(super) struct Judge {
    pub(super) agent: Agent,
    pub(super) hosts: Vec<Host>,
    /// How long one request waits for its approvals.
    pub(super) wait: Duration,
}

impl Judge {
    /// Whether the session may reach the origin, and may send it this request. Each is asked every time, so
    /// that nothing that was taken back is still allowed here.
    pub(super) async fn decide(&self, request: &Request) -> Result<(), Code> {
        let origin = origin(request, &self.hosts)?;
        let until = Instant::now() + self.wait;
        let ask = async |action: &str, url: &str| {
            let left = (until + NEARLY).saturating_duration_since(Instant::now());
            let asked = self.agent.may_reach(action, url, left).await;
            asked.map(|_expires| ()).map_err(|error| error.code)
        };
        let decided = timeout_at(until + GRACE, async {
            ask("connect", &origin).await?;
            ask(&request.method, &format!("{origin}{}", request.path)).await
        });
        decided.await.unwrap_or(Err(Code::DeadlineExceeded))
    }
}

/// Where a request goes. What is not on the list, or names two hosts, the proxy refuses by itself; that it
/// did is looked at again here.
fn origin(request: &Request, hosts: &[Host]) -> Result<String, Code> {
    let (host, port) = (request.host.as_str(), request.port.get());
    if !hosts.iter().any(|listed| listed.matches(host, port)) {
        return Err(Code::Denied);
    }
    let server = request.sni.as_deref();
    if server.is_some_and(|name| !name.eq_ignore_ascii_case(host)) {
        return Err(Code::TargetMismatch);
    }
    let named = request.host_header.as_deref();
    if named.is_some_and(|named| !names(named, host, port)) {
        return Err(Code::TargetMismatch);
    }
    // A lower-case `connect` would be another question.
    if request.method.contains(|c: char| c.is_ascii_lowercase()) || !request.path.starts_with('/') {
        return Err(Code::InvalidRequest);
    }
    // Without a name of the server nothing tells that there is TLS.
    let scheme = if server.is_some() { "https" } else { "http" };
    Ok(format!("{scheme}://{host}:{port}"))
}

/// Whether a `Host` header names this host and no other port.
fn names(header: &str, host: &str, port: u16) -> bool {
    let (name, own) = match header.split_once(':') {
        Some((name, own)) => (name, Some(own)),
        None => (header, None),
    };
    name.eq_ignore_ascii_case(host) && own.is_none_or(|own| own == port.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use valetkey_sdk::Code;

    use super::{Host, Request, origin};

    /// The origin of a request with these fields in place of the usual ones.
    fn of(fields: Value) -> Result<String, Code> {
        let mut request = json!({
            "t": "req", "id": 1, "method": "GET", "host": "api.example.com", "port": 443,
            "hostHeader": "api.example.com", "sni": "api.example.com", "path": "/",
        });
        for (name, value) in fields.as_object().unwrap() {
            request[name] = value.clone();
        }
        let request = Request::read(request.to_string().as_bytes(), 0).unwrap();
        let hosts = ["*.example.com", "localhost:8080"].map(|host| Host::parse(host).unwrap());
        origin(&request, &hosts)
    }

    #[test]
    fn tls_is_what_has_a_name_of_its_server() {
        assert_eq!(of(json!({})).unwrap(), "https://api.example.com:443");
        let plain = json!({
            "t": "req", "id": 1, "method": "GET", "host": "localhost", "port": 8080,
            "hostHeader": "LOCALHOST:8080", "path": "/",
        });
        let plain = Request::read(plain.to_string().as_bytes(), 0).unwrap();
        let hosts = [Host::parse("localhost:8080").unwrap()];
        assert_eq!(origin(&plain, &hosts).unwrap(), "http://localhost:8080");
    }

    #[test]
    fn what_is_not_listed_is_not_asked_about() {
        for (host, port) in [
            ("example.com", 443),
            ("evil.test", 443),
            ("localhost", 80),
            ("127.0.0.1", 8080),
            ("::1", 8080),
            ("[::1]", 8080),
            ("169.254.169.254", 80),
        ] {
            let named = json!({ "host": host, "port": port, "hostHeader": host, "sni": host });
            assert_eq!(of(named), Err(Code::Denied), "{host}:{port}");
        }
    }

    #[test]
    fn a_request_that_names_two_hosts_goes_to_neither() {
        for fields in [
            json!({ "sni": "other.example.com" }),
            json!({ "hostHeader": "other.example.com" }),
            json!({ "hostHeader": "api.example.com:8443" }),
            json!({ "hostHeader": "api.example.com:443:443" }),
            json!({ "hostHeader": "user@api.example.com" }),
            json!({ "hostHeader": "" }),
        ] {
            assert_eq!(of(fields.clone()), Err(Code::TargetMismatch), "{fields}");
        }
        assert!(of(json!({ "hostHeader": "API.example.com:443" })).is_ok());
    }

    #[test]
    fn a_method_is_never_taken_for_a_connection() {
        for fields in [
            json!({ "method": "connect" }),
            json!({ "method": "Get" }),
            json!({ "path": "*" }),
            json!({ "path": ":80/" }),
        ] {
            assert_eq!(of(fields.clone()), Err(Code::InvalidRequest), "{fields}");
        }
    }
}
