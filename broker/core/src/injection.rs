//! How a credential is used without being shown: the proxy puts it into requests outside the sandbox.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::network::{HostName, Origin, OriginPattern, Target};

/// Where its value goes, for requests of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injection {
    /// Whose requests.
    pub hosts: Vec<OriginPattern>,
    /// Only these methods; all where there are none.
    pub methods: Vec<String>,
    /// Only these paths, each as it is or, with a final `*`, everything that begins like it; all where
    /// there are none.
    pub paths: Vec<String>,
    /// The scope that a use is asked for as. Where there is none, `read` for methods that are safe
    /// (RFC 9110 section 9.2.1), else `write`.
    pub scope: Option<String>,
    /// Where it goes.
    pub place: Placement,
    /// Whether it goes there without being asked for: where false, only in place of its placeholder.
    pub always: bool,
}

/// Where in a request a value goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// A header.
    Header {
        /// Its name, in lower case.
        name: String,
        /// What stands before the value, such as `Bearer `.
        prefix: String,
    },
    /// Basic authentication (RFC 7617), as the password.
    Basic {
        /// The user name.
        user: String,
    },
    /// A parameter of the query.
    Query {
        /// Its name.
        name: String,
    },
    /// A cookie.
    Cookie {
        /// Its name.
        name: String,
    },
    /// In place of its placeholder in the path, as (a part of) a segment.
    Path,
    /// A member of a JSON body, by JSON pointer (RFC 6901).
    Body {
        /// The pointer.
        pointer: String,
    },
    /// A member of the first message of a WebSocket, which is JSON text, by JSON pointer.
    WebSocket {
        /// The pointer.
        pointer: String,
    },
    /// An AWS signature of version 4, made anew with the value as secret access key.
    SigV4 {
        /// The access key's id.
        access_key_id: String,
    },
}

/// As a person reads it. A JSON pointer and a user name are the configuration's own words, no secrets.
impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header { name, prefix } if prefix.is_empty() => write!(f, "header {name}"),
            Self::Header { name, prefix } => write!(f, "header {name} after `{prefix}`"),
            Self::Basic { user } => write!(f, "password of {user:?} in Basic authentication"),
            Self::Query { name } => write!(f, "query parameter {name}"),
            Self::Cookie { name } => write!(f, "cookie {name}"),
            Self::Path => f.write_str("segment of the path"),
            Self::Body { pointer } => write!(f, "{pointer} of the JSON body"),
            Self::WebSocket { pointer } => {
                write!(f, "{pointer} of the first message of a WebSocket")
            }
            Self::SigV4 { access_key_id } => write!(f, "AWS signature of {access_key_id}"),
        }
    }
}

impl Injection {
    /// Whether requests to `origin` may carry it.
    pub fn reaches(&self, origin: &Origin) -> bool {
        self.hosts.iter().any(|host| host.matches(origin))
    }

    /// Whether requests to `host`, at some of its ports, may carry it.
    pub fn reaches_host(&self, host: &HostName) -> bool {
        self.hosts.iter().any(|pattern| pattern.covers(host))
    }

    /// The scope that using it for `target` is asked for as; `None` where it is not for that.
    pub fn scope_of(&self, target: &Target) -> Option<&str> {
        let Target::Request {
            origin,
            method,
            path,
        } = target
        else {
            return None;
        };
        let of_method = self.methods.is_empty() || self.methods.iter().any(|one| **one == **method);
        let of_path = self.paths.is_empty() || self.paths.iter().any(|one| covers(one, path));
        if !(self.reaches(origin) && of_method && of_path) {
            return None;
        }
        let by_method = if is_safe(method) { READ } else { WRITE };
        Some(self.scope.as_deref().unwrap_or(by_method))
    }
}

/// The scope of what only looks.
pub const READ: &str = "read";
/// The scope of what may change something.
pub const WRITE: &str = "write";

/// Whether a method only looks (RFC 9110 section 9.2.1). `TRACE` is none: it sends back what it was sent.
pub fn is_safe(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS")
}

/// No pattern covers what different servers read differently.
fn covers(pattern: &str, path: &str) -> bool {
    if !is_plain(path) {
        return false;
    }
    match pattern.strip_suffix('*') {
        Some(beginning) => path.starts_with(beginning),
        None => path == pattern,
    }
}

/// Whether every server reads the path as it stands, and as whoever wrote a rule did: one with dot segments, or
/// with what some take apart at, is none, and neither is one that spells anything in a second way.
pub fn is_plain(path: &str) -> bool {
    let is_dots = |segment: &str| segment == "." || segment == "..";
    !path.split('/').any(is_dots)
        && !["\\", "//", ";"].iter().any(|odd| path.contains(odd))
        && is_spelt_once(path)
}

/// Whether nothing is encoded that could stand as itself (RFC 3986 section 6.2.2.2): a rule that names
/// `/admin` would not know `/%61dmin`, nor one that names `:delete` know `%3Adelete`. What separates, once it is
/// decoded, is something else to whoever decodes twice, and so is a `%`. What is no UTF-8 may be anything.
fn is_spelt_once(path: &str) -> bool {
    let mut pieces = path.split('%');
    let mut decoded = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let Some((byte, rest)) = encoded(piece) else {
            return false;
        };
        if byte.is_ascii_alphanumeric() || byte.is_ascii_control() || SPOKEN.contains(&byte) {
            return false;
        }
        decoded.push(byte);
        decoded.extend_from_slice(rest.as_bytes());
    }
    std::str::from_utf8(&decoded).is_ok()
}

/// The byte whose two digits `piece` begins with, and what follows.
fn encoded(piece: &str) -> Option<(u8, &str)> {
    let (digits, rest) = piece.split_at_checked(2)?;
    let are_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let byte = u8::from_str_radix(digits, 16).ok()?;
    are_digits.then_some((byte, rest))
}

/// What rules speak of and servers take apart at, beside letters and digits.
const SPOKEN: &[u8] = b"-._~%/\\;?#:@";

#[cfg(test)]
mod tests {
    use super::{Injection, Placement, is_spelt_once};
    use crate::network::{Origin, OriginPattern, Target};

    fn injection(methods: &[&str], paths: &[&str], scope: Option<&str>) -> Injection {
        Injection {
            hosts: vec![OriginPattern::parse("api.example.com").unwrap()],
            methods: methods.iter().map(|&m| m.to_owned()).collect(),
            paths: paths.iter().map(|&p| p.to_owned()).collect(),
            scope: scope.map(str::to_owned),
            place: Placement::Path,
            always: true,
        }
    }

    fn target(method: &str, url: &str) -> Target {
        let (origin, path) = Origin::split(url).unwrap();
        Target::Request {
            origin,
            method: method.into(),
            path: path.into(),
        }
    }

    #[test]
    fn safe_methods_read_and_others_write() {
        let any = injection(&[], &[], None);
        for (method, scope) in [
            ("GET", "read"),
            ("HEAD", "read"),
            ("OPTIONS", "read"),
            ("POST", "write"),
            ("DELETE", "write"),
            ("TRACE", "write"),
            ("FROB", "write"),
        ] {
            let target = target(method, "https://api.example.com/x");
            assert_eq!(any.scope_of(&target), Some(scope), "{method}");
        }
        assert_eq!(
            any.scope_of(&target("GET", "https://other.example.com/")),
            None
        );
    }

    #[test]
    fn what_is_encoded_without_need_is_not_spelt_once() {
        for path in [
            "/",
            "/a-b_c.d~",
            "/caf%C3%A9",
            "/a%20b",
            "/a:b@c",
            "/c%2B%2B",
        ] {
            assert!(is_spelt_once(path), "{path}");
        }
        for path in [
            "/%61dmin",
            "/%7Euser",
            "/%252e",
            "/%",
            "/%4",
            "/%zz",
            "/%+1",
            "/a/..%3b/b",
            "/a%3Adelete",
            "/%40acme/x",
            "/a%3fb",
            "/a%23b",
            "/a%0d%0ab",
            "/a%7F",
            "/%c0%ae%c0%ae/b",
        ] {
            assert!(!is_spelt_once(path), "{path}");
        }
    }

    #[test]
    fn a_rule_is_for_its_methods_and_paths() {
        let rule = injection(&["POST"], &["/v1/chat/*", "/v1/models"], Some("infer"));
        for (method, path, scope) in [
            ("POST", "/v1/chat/completions", Some("infer")),
            ("POST", "/v1/models", Some("infer")),
            ("POST", "/v1/models/x", None),
            ("GET", "/v1/models", None),
            ("POST", "/v1/chat/../admin", None),
            ("POST", "/v1/chat/%2E%2e/admin", None),
            ("POST", "/v1/chat/..%2Fadmin", None),
            ("POST", "/v1/chat//admin", None),
            ("POST", "/v1/chat/.\\admin", None),
            ("POST", "/v1/chat/%61dmin", None),
            ("POST", "/v1/chat/%252e%252e/admin", None),
        ] {
            let target = target(method, &format!("https://api.example.com{path}"));
            assert_eq!(rule.scope_of(&target), scope, "{method} {path}");
        }
    }
}
