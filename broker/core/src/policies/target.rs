//! What of the network somebody would ask for, as people write it.

use crate::{Audience, Credential, network::Target, request::Ask};

/// Why what was written is no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// One thing at a time.
    #[error("name what to `connect` to or what to `request`")]
    Both,
    /// No origin.
    #[error("`connect`: an origin is written as `https://api.example.com`")]
    Connect,
    /// No method and URL.
    #[error(
        "`request`: a request is written as `GET https://api.example.com/path`, without a query"
    )]
    Request,
    /// A method that is none.
    #[error("`request`: a method is written in capitals, as `GET`")]
    Method,
}

/// The origin to connect to, or the method and URL to request; `None` where neither is named.
pub fn target(connect: Option<&str>, request: Option<&str>) -> Result<Option<Target>, BadTarget> {
    match (connect, request) {
        (None, None) => Ok(None),
        (Some(origin), None) => {
            let target = read(Target::CONNECT, origin);
            target.ok_or(BadTarget::Connect).map(Some)
        }
        (None, Some(request)) => {
            let (method, url) = request.split_once(' ').ok_or(BadTarget::Request)?;
            let sent = |method: &str| {
                let target = read(method, url);
                target.filter(|target| matches!(target, Target::Request { .. }))
            };
            match sent(method) {
                Some(target) => Ok(Some(target)),
                None if sent(&method.to_ascii_uppercase()).is_some() => Err(BadTarget::Method),
                None => Err(BadTarget::Request),
            }
        }
        (Some(_), Some(_)) => Err(BadTarget::Both),
    }
}

/// What a session's proxy would ask for to do that.
pub fn leave(target: &Target) -> Result<Ask, BadTarget> {
    let bad = match target {
        Target::Connect(_) => BadTarget::Connect,
        Target::Request { .. } => BadTarget::Request,
    };
    Ok(Ask {
        credential: Credential::NETWORK.to_owned(),
        scopes: vec![target.scope().to_owned()],
        audience: Some(target.audience().map_err(|_| bad)?.into()),
        ..Ask::default()
    })
}

fn read(scope: &str, url: &str) -> Option<Target> {
    Target::read(scope, &Audience::parse(url).ok()?)
}

#[cfg(test)]
mod tests {
    use super::{BadTarget, leave, target};

    #[test]
    fn what_is_written_is_what_the_proxy_asks_for() {
        for (connect, request, scope, audience) in [
            (
                Some("https://A.example:443"),
                None,
                "connect",
                "https://a.example",
            ),
            (
                None,
                Some("GET http://a.example/x"),
                "GET",
                "http://a.example/x",
            ),
        ] {
            let ask = leave(&target(connect, request).unwrap().unwrap()).unwrap();
            assert_eq!(
                (ask.credential.as_str(), ask.scopes),
                ("network", vec![scope.to_owned()])
            );
            assert_eq!(ask.audience.as_deref(), Some(audience));
        }
        assert_eq!(target(None, None), Ok(None));
    }

    #[test]
    fn what_is_no_target_says_how_one_is_written() {
        for (connect, request, bad) in [
            (Some("a.example"), None, BadTarget::Connect),
            (Some("https://a.example/"), None, BadTarget::Connect),
            (None, Some("https://a.example/"), BadTarget::Request),
            (None, Some("GET https://a.example"), BadTarget::Request),
            (None, Some("GET https://a.example/?q"), BadTarget::Request),
            (None, Some("get https://a.example/"), BadTarget::Method),
            (None, Some("get https://a.example"), BadTarget::Request),
            (None, Some("connect https://a.example"), BadTarget::Request),
            (
                Some("https://a.example"),
                Some("GET https://a.example/"),
                BadTarget::Both,
            ),
        ] {
            assert_eq!(
                target(connect, request),
                Err(bad),
                "{connect:?} {request:?}"
            );
        }
    }
}
