//! What is true of every connection, whatever was sent.

use crate::{
    far::Request,
    strict::{self, Framing},
    world::HOST,
};

/// A request as a client said it, where there is one way to read it.
#[derive(Debug)]
pub struct Said {
    pub method: String,
    /// Where it is to go, without the host.
    pub target: String,
    pub hops: Vec<String>,
    pub body: Vec<u8>,
    pub trailing: bool,
    pub whole: bool,
}

/// What a client said, as far as there is one way to read it, and whether that is all of it.
pub fn said(bytes: &[u8], scheme: &str, base: bool) -> (Vec<Said>, bool) {
    let mut all = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let head = match strict::head(rest, false) {
            Ok(Some(head)) => head,
            Ok(None) => return (all, true),
            Err(_) => return (all, false),
        };
        let Ok(framing) = head.framing() else {
            return (all, false);
        };
        if head.line[0] == "CONNECT" || !matches!(head.line[2].as_str(), "HTTP/1.1" | "HTTP/1.0") {
            return (all, false);
        }
        if head.line[2] == "HTTP/1.0" && framing == Framing::Chunked {
            return (all, false);
        }
        let Ok(body) = strict::body(&rest[head.length..], framing) else {
            return (all, false);
        };
        let hops = head
            .all("connection")
            .flat_map(|value| value.split(|b| *b == b','))
            .map(|name| String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase())
            .collect();
        if let Some(target) = meant(&head, scheme, base) {
            all.push(Said {
                method: head.line[0].clone(),
                target,
                hops,
                body: body.data,
                trailing: !body.trailers.is_empty(),
                whole: body.whole.is_some(),
            });
        }
        let Some(length) = body.whole else {
            return (all, true);
        };
        rest = &rest[head.length + length..];
    }
    (all, true)
}

/// What is asked for of the one origin; `None` where another one is meant.
fn meant(head: &strict::Head, scheme: &str, base: bool) -> Option<String> {
    // A fragment stays with the client (RFC 9110 section 4.2.5).
    let target = head.line[1].split('#').next().unwrap_or_default();
    let named = |text: &str| {
        let port = if scheme == "http" { ":80" } else { ":443" };
        let text = text.to_ascii_lowercase();
        let text = text.strip_suffix(port).unwrap_or(&text);
        text.strip_suffix('.').unwrap_or(text) == HOST
    };
    let hosts: Vec<_> = head.all("host").map(String::from_utf8_lossy).collect();
    if hosts.len() > 1 {
        return None;
    }
    if !target.starts_with('/')
        && let Some((before, rest)) = target.split_once("://")
    {
        if !before.eq_ignore_ascii_case(scheme) || hosts.iter().any(|host| !named(host)) {
            return None;
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let slash = if path.starts_with('/') { "" } else { "/" };
        return named(authority).then(|| format!("{slash}{path}"));
    }
    if base {
        let rest = target.strip_prefix("/api")?;
        return match rest.bytes().next() {
            Some(b'/') => Some(rest.to_owned()),
            None | Some(b'?') => Some(format!("/{rest}")),
            _ => None,
        };
    }
    (hosts.iter().any(|host| named(host)) && target.starts_with('/')).then(|| target.to_owned())
}

/// Every request that arrived is one that was said, and later than the one before; its body is what was
/// said, and ends only where that ended.
pub fn faithful(said: &[Said], all: bool, arrived: &[Request], way: u8) {
    let mut left = said.iter();
    for request in arrived {
        let moved = matches!(way, 4 | 7);
        let found = left.by_ref().find(|one| {
            one.method == request.method()
                && (moved || one.target == request.target())
                && (way == 6 || agree(one, request))
        });
        let Some(found) = found else {
            assert!(!all, "nobody said {request:?}: {said:#?}");
            return;
        };
        for name in &found.hops {
            let ours = [
                "te",
                "host",
                "content-length",
                "upgrade",
                "connection",
                "transfer-encoding",
                "cookie",
                "authorization",
                "accept-encoding",
            ];
            assert!(
                ours.contains(&name.as_str()) || !request.head.has(name),
                "{name} was for one hop: {request:?}"
            );
        }
    }
}

fn agree(said: &Said, request: &Request) -> bool {
    if request.body.whole.is_some() {
        said.whole && said.body == request.body.data
    } else {
        said.body.starts_with(&request.body.data)
    }
}
