//! The messages of the decider protocol, version 1 (docs/srt-proxy.md of sandbox-runtime).

use std::{num::NonZeroU16, str};

use serde::{
    Deserialize, Serialize,
    de::{Deserializer, IgnoredAny},
};
use valetkey_sdk::Code;

use super::{broken::Broken, hosts::Host};

/// The version of the protocol that is spoken.
const VERSION: u64 = 1;
/// The greatest id: the greatest whole number that JavaScript counts to.
const LAST: u64 = (1 << 53) - 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hello {
    t: String,
    proto: u64,
}

/// Reads the proxy's hello.
pub(super) fn hello(frame: &[u8]) -> Result<(), Broken> {
    let hello: Hello = read(frame).ok_or(Broken::Rule("its first frame is no hello"))?;
    if hello.t != "hello" {
        return Err(Broken::Rule("its first frame is no hello"));
    }
    if hello.proto != VERSION {
        return Err(Broken::Version(hello.proto));
    }
    Ok(())
}

/// The answer to a hello: what the proxy asks about, and refuses by itself where it is something else.
#[derive(Serialize)]
pub(super) struct Greeting<'a> {
    t: &'static str,
    proto: u64,
    #[serde(rename = "allowedDomains")]
    allowed: Vec<&'a Host>,
    #[serde(rename = "deniedDomains")]
    denied: [&'a Host; 0],
}

impl<'a> Greeting<'a> {
    pub(super) fn new(hosts: &'a [Host]) -> Self {
        let mut allowed: Vec<&Host> = Vec::new();
        for host in hosts {
            // The same twice breaks the protocol.
            if !allowed.contains(&host) {
                allowed.push(host);
            }
        }
        Self {
            t: "hello",
            proto: VERSION,
            allowed,
            denied: [],
        }
    }
}

/// A request that is to be decided.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Request {
    t: String,
    pub(super) id: u64,
    pub(super) method: String,
    /// Where it goes: lower case, without a final dot.
    pub(super) host: String,
    pub(super) port: NonZeroU16,
    #[serde(default, deserialize_with = "sent")]
    pub(super) host_header: Option<String>,
    #[serde(default, deserialize_with = "sent")]
    pub(super) sni: Option<String>,
    /// As the client spelled it.
    pub(super) path: String,
    // These decide nothing, so that nothing is kept of them: keys and what they are for are often in there.
    #[serde(default, deserialize_with = "sent", rename = "query")]
    _query: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "sent", rename = "headers")]
    _headers: Option<IgnoredAny>,
}

impl Request {
    /// Reads a request that comes after the one with the id `last`.
    pub(super) fn read(frame: &[u8], last: u64) -> Result<Self, Broken> {
        let request: Self = read(frame).ok_or(Broken::Rule("a frame is no request"))?;
        if request.t != "req" {
            return Err(Broken::Rule("a frame is no request"));
        }
        if request.id <= last || request.id > LAST {
            return Err(Broken::Rule(
                "the id of a request is not above the last one",
            ));
        }
        let needed = [&request.method, &request.host, &request.path];
        if needed.into_iter().chain(&request.sni).any(String::is_empty) {
            return Err(Broken::Rule("a request has an empty field"));
        }
        Ok(request)
    }
}

/// What is said to a request.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub(super) enum Answer {
    Allow,
    Deny { status: u16, reason: String },
}

impl From<Result<(), Code>> for Answer {
    /// A refusal goes with the table's own words. What the broker said of this case is for the session, and
    /// the proxy shows its client whatever it is told.
    fn from(decided: Result<(), Code>) -> Self {
        match decided.map_err(Code::row) {
            Ok(()) => Self::Allow,
            Err(row) => Self::Deny {
                status: row.http,
                reason: format!("{} ({})", row.text, row.id),
            },
        }
    }
}

#[derive(Serialize)]
pub(super) struct Verdict {
    t: &'static str,
    id: u64,
    #[serde(flatten)]
    answer: Answer,
}

impl Verdict {
    pub(super) const fn new(id: u64, answer: Answer) -> Self {
        Self {
            t: "verdict",
            id,
            answer,
        }
    }
}

/// One object of JSON, whole and in UTF-8.
fn read<'f, T: Deserialize<'f>>(frame: &'f [u8]) -> Option<T> {
    serde_json::from_str(str::from_utf8(frame).ok()?).ok()
}

/// A field that may be left out, and is not `null` where it is there.
fn sent<'d, D: Deserializer<'d>, T: Deserialize<'d>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

#[cfg(test)]
mod tests {
    use valetkey_sdk::Code;

    use super::{Answer, Broken, Greeting, Request, Verdict, hello};
    use crate::commands::srt_decider::hosts::Host;

    #[test]
    fn a_hello_is_of_this_version() {
        assert!(hello(br#"{"t":"hello","proto":1}"#).is_ok());
        let other = hello(br#"{"t":"hello","proto":2}"#);
        assert!(matches!(other, Err(Broken::Version(2))));
        for broken in [
            r#"{"t":"hi","proto":1}"#,
            r#"{"t":"hello"}"#,
            r#"{"t":"hello","proto":"1"}"#,
            r#"{"t":"hello","proto":1.0}"#,
            r#"{"t":"hello","proto":-1}"#,
            r#"{"t":"hello","proto":1,"proto":1}"#,
            r#"{"t":"hello","proto":1,"extra":1}"#,
            r#"{"t":"hello","proto":1}{}"#,
            "[]",
            "null",
            "",
        ] {
            let read = hello(broken.as_bytes());
            assert!(matches!(read, Err(Broken::Rule(_))), "{broken}");
        }
    }

    #[test]
    fn the_answer_to_it_names_each_host_once() {
        let hosts = ["a.example.com", "A.example.com", "*.example.org:443"];
        let hosts = hosts.map(|host| Host::parse(host).unwrap());
        let said = serde_json::to_string(&Greeting::new(&hosts)).unwrap();
        assert_eq!(
            said,
            r#"{"t":"hello","proto":1,"allowedDomains":["a.example.com","*.example.org:443"],"deniedDomains":[]}"#
        );
    }

    const REQUEST: &str = r#"{"t":"req","id":7,"method":"POST","host":"api.example.com","port":443,"hostHeader":"api.example.com","sni":"api.example.com","path":"/v1/things","query":"limit=10","headers":{"accept":["*/*"]}}"#;

    #[test]
    fn a_request_is_read() {
        let request = Request::read(REQUEST.as_bytes(), 6).unwrap();
        assert_eq!((request.id, request.port.get()), (7, 443));
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", "/v1/things")
        );
        let least = r#"{"t":"req","id":1,"method":"GET","host":"a.test","port":80,"path":"/"}"#;
        let request = Request::read(least.as_bytes(), 0).unwrap();
        assert_eq!((request.sni, request.host_header), (None, None));
    }

    #[test]
    fn what_is_nearly_a_request_ends_the_talk() {
        for (from, to) in [
            ("\"req\"", "\"body\""),
            ("\"id\":7", "\"id\":6"),
            ("\"id\":7", "\"id\":0"),
            ("\"id\":7", "\"id\":-7"),
            ("\"id\":7", "\"id\":7.5"),
            ("\"id\":7", "\"id\":9007199254740992"),
            ("\"id\":7", "\"id\":7,\"id\":8"),
            ("\"id\":7", "\"id\":7,\"scheme\":\"https\""),
            ("443", "0"),
            ("443", "65536"),
            ("443", "\"443\""),
            ("\"POST\"", "\"\""),
            ("\"POST\"", "null"),
            ("\"/v1/things\"", "\"\""),
            ("\"/v1/things\"", "\"\\ud800\""),
            ("\"sni\":\"api.example.com\"", "\"sni\":null"),
            ("\"sni\":\"api.example.com\"", "\"sni\":\"\""),
            ("\"sni\":\"api.example.com\"", "\"sni\":[\"a\"]"),
            ("\"host\":\"api.example.com\",", ""),
            ("]}}", "]}}}"),
            ("]}}", "]}"),
        ] {
            let broken = REQUEST.replacen(from, to, 1);
            assert_ne!(broken, REQUEST);
            assert!(Request::read(broken.as_bytes(), 6).is_err(), "{broken}");
        }
        let mut bytes = REQUEST.as_bytes().to_vec();
        bytes[REQUEST.find("limit").unwrap()] = 0xff;
        assert!(Request::read(&bytes, 6).is_err(), "not UTF-8");
    }

    #[test]
    fn verdicts_are_what_the_proxy_reads() {
        let said = |answer| serde_json::to_string(&Verdict::new(7, answer)).unwrap();
        assert_eq!(
            said(Ok(()).into()),
            r#"{"t":"verdict","id":7,"action":"allow"}"#
        );
        assert_eq!(
            said(Err(Code::Denied).into()),
            r#"{"t":"verdict","id":7,"action":"deny","status":403,"reason":"policy does not allow this request (denied)"}"#
        );
    }

    #[test]
    fn every_code_is_a_refusal_that_the_proxy_takes() {
        for code in Code::ALL {
            let Answer::Deny { status, reason } = Err(*code).into() else {
                panic!("{} is a yes", code.id());
            };
            assert!((400..=599).contains(&status), "{}", code.id());
            assert!(reason.len() <= 1024 && !reason.chars().any(char::is_control));
        }
    }
}
