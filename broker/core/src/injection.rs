//! How a credential is used without being shown: the proxy puts it into requests outside the sandbox.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::network::{Origin, OriginPattern, Target};

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

/// A path that holds dot segments or an encoded slash is read differently by different servers, so no
/// pattern covers it.
fn covers(pattern: &str, path: &str) -> bool {
    if !is_plain(path) {
        return false;
    }
    match pattern.strip_suffix('*') {
        Some(beginning) => path.starts_with(beginning),
        None => path == pattern,
    }
}

/// Whether every server reads the path as it stands.
pub fn is_plain(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let dots = lower.split('/').any(|segment| {
        let segment = segment.replace("%2e", ".");
        segment == "." || segment == ".."
    });
    !dots
        && is_spelt_once(path)
        && !["%2f", "%5c", "\\", "//", "%00", ";"]
            .iter()
            .any(|odd| lower.contains(odd))
}

/// Whether nothing is encoded that could stand as itself (RFC 3986 section 6.2.2.2): a rule that names
/// `/admin` would not know `/%61dmin`. A `%` that is encoded is something else to whoever decodes twice.
fn is_spelt_once(path: &str) -> bool {
    let mut encoded = path.split('%').skip(1);
    encoded.all(|rest| {
        let digits = rest
            .get(..2)
            .filter(|two| two.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        byte.is_some_and(|b| !(b.is_ascii_alphanumeric() || b"-._~%".contains(&b)))
    })
}

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
        for path in ["/", "/a-b_c.d~", "/caf%C3%A9", "/a%20b", "/a%3Ab"] {
            assert!(is_spelt_once(path), "{path}");
        }
        for path in [
            "/%61dmin", "/%7Euser", "/%252e", "/%", "/%4", "/%zz", "/%+1",
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
