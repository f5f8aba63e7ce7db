//! Names and ids. Each can only be made by parsing, so whatever holds one holds a good one.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Moment, ports::Entropy};

/// Longest name, in bytes.
const NAME_LIMIT: usize = 64;

/// A name that is not one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a name has 1 to 64 of the characters a-z, A-Z, 0-9, `.`, `_` and `-`, and begins with a letter or a digit"
)]
pub struct BadName;

fn check(name: &str) -> Result<(), BadName> {
    let first = name.bytes().next().ok_or(BadName)?;
    let rest_is_fine = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    if name.len() <= NAME_LIMIT && first.is_ascii_alphanumeric() && rest_is_fine {
        Ok(())
    } else {
        Err(BadName)
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(Box<str>);

        impl $type {
            /// Accepts 1 to 64 of `a-zA-Z0-9._-`, beginning with a letter or a digit.
            pub fn parse(name: &str) -> Result<Self, BadName> {
                check(name).map(|()| Self(name.into()))
            }

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = BadName;
            fn try_from(name: String) -> Result<Self, BadName> {
                Self::parse(&name)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0.into()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// A login of this machine's owner: several people or roles may be logged in side by side.
    AccountName
}
name! {
    /// What kind of agent a session is for.
    AgentName
}
name! {
    /// What a sandbox is like: `read-only`, `workspace-write`, `open`, or one of the configuration's own.
    ProfileName
}
name! {
    /// An entry of the configuration that says where authority comes from.
    CredentialName
}
name! {
    /// A secret that a person stored.
    SecretName
}

macro_rules! id {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(Uuid);

        impl $type {
            /// A new id: a UUID of version 7 (RFC 9562 section 5.7), so ids sort by birth.
            pub fn new(now: Moment, entropy: &dyn Entropy) -> Self {
                let mut random = [0; 10];
                entropy.fill(&mut random);
                Self(uuid::Builder::from_unix_timestamp_millis(now.unix_ms, &random).into_uuid())
            }

            /// Reads the 32 hexadecimal digits (hyphens are allowed).
            pub fn parse(id: &str) -> Option<Self> {
                Uuid::try_parse(id).ok().map(Self)
            }
        }

        impl TryFrom<String> for $type {
            type Error = &'static str;
            fn try_from(id: String) -> Result<Self, Self::Error> {
                Self::parse(&id).ok_or("an id has 32 hexadecimal digits")
            }
        }

        impl From<$type> for String {
            fn from(id: $type) -> Self {
                id.to_string()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.simple(), f)
            }
        }
    };
}

id! {
    /// One run of one agent.
    SessionId
}
id! {
    /// One issued token; the `jti` of a token that the broker signs.
    LeaseId
}
id! {
    /// One question about a request, and its answer.
    ApprovalId
}
id! {
    /// One request: what an agent is told and what the ledger is searched by.
    RequestId
}

#[cfg(test)]
mod tests {
    use super::{AgentName, BadName, SessionId};

    #[test]
    fn names_are_narrow() {
        for good in ["a", "0", "claude-code", "A.b_c-9"] {
            assert_eq!(
                AgentName::parse(good).map(|n| n.to_string()),
                Ok(good.into())
            );
        }
        let long = "a".repeat(65);
        for bad in ["", "-a", ".a", "a b", "a/b", "ä", "a\n", "..", &long] {
            assert_eq!(AgentName::parse(bad), Err(BadName), "{bad:?}");
        }
    }

    #[test]
    fn ids_read_back() {
        let id = SessionId::parse("0198c0de00007000800000000000000f");
        assert_eq!(
            id.map(|id| id.to_string()).as_deref(),
            Some("0198c0de00007000800000000000000f")
        );
        assert_eq!(SessionId::parse("../etc"), None);
    }
}
