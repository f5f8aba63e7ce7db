//! Scope, audience and lifetime: what is asked for, and that what is given is never more.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

/// Most scope tokens in one request.
const SCOPE_TOKENS: usize = 64;
/// Longest scope token, in bytes.
const SCOPE_LENGTH: usize = 128;
/// Longest audience, in bytes.
const AUDIENCE_LENGTH: usize = 512;

/// A set of OAuth scope tokens (RFC 6749 section 3.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct ScopeSet(BTreeSet<Box<str>>);

/// A scope that is not one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadScope {
    /// RFC 6749 section 3.3 allows `%x21 / %x23-5B / %x5D-7E`.
    #[error("a scope has 1 to 128 printable ASCII characters without space, `\"` and `\\`")]
    Token,
    /// More than 64 tokens.
    #[error("a request names at most 64 scopes")]
    TooMany,
}

impl ScopeSet {
    /// Accepts tokens one by one; each may itself be a space-separated list.
    pub fn parse<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Result<Self, BadScope> {
        let mut set = BTreeSet::new();
        for token in tokens.into_iter().flat_map(|list| list.split(' ')) {
            if token.is_empty() {
                continue;
            }
            let fine = token
                .bytes()
                .all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
            if !fine || token.len() > SCOPE_LENGTH {
                return Err(BadScope::Token);
            }
            set.insert(token.into());
            if set.len() > SCOPE_TOKENS {
                return Err(BadScope::TooMany);
            }
        }
        Ok(Self(set))
    }

    /// The scopes in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every scope here is also in `ceiling`.
    pub fn within(&self, ceiling: &Self) -> bool {
        self.0.is_subset(&ceiling.0)
    }
}

/// The space-separated list of RFC 6749 section 3.3.
impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, token) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            f.write_str(token)?;
        }
        Ok(())
    }
}

impl TryFrom<Vec<String>> for ScopeSet {
    type Error = BadScope;
    fn try_from(tokens: Vec<String>) -> Result<Self, BadScope> {
        Self::parse(tokens.iter().map(String::as_str))
    }
}

impl From<ScopeSet> for Vec<String> {
    fn from(set: ScopeSet) -> Self {
        set.0.into_iter().map(Into::into).collect()
    }
}

/// Who a token is for: the `aud` of RFC 7519 section 4.1.3, asked for as `audience` (RFC 8693) or
/// `resource` (RFC 8707).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Audience(Box<str>);

/// An audience that is not one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an audience has 1 to 512 printable ASCII characters without space")]
pub struct BadAudience;

impl Audience {
    /// Accepts 1 to 512 printable ASCII characters without space.
    pub fn parse(audience: &str) -> Result<Self, BadAudience> {
        let fine = audience.bytes().all(|b| b.is_ascii_graphic());
        if fine && !audience.is_empty() && audience.len() <= AUDIENCE_LENGTH {
            Ok(Self(audience.into()))
        } else {
            Err(BadAudience)
        }
    }

    /// The audience as it stands in the token.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Audience {
    type Error = BadAudience;
    fn try_from(audience: String) -> Result<Self, BadAudience> {
        Self::parse(&audience)
    }
}

impl From<Audience> for String {
    fn from(audience: Audience) -> Self {
        audience.0.into()
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a token will carry at most. Made once per request, from what was asked and every ceiling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The scopes.
    pub scopes: ScopeSet,
    /// The audience.
    pub audience: Audience,
    /// Lifetime in seconds, counted from the moment of issue.
    pub lifetime: u64,
}

impl Grant {
    /// Whether it gives nothing that `ceiling` does not: the same audience, no other scope, no longer
    /// life.
    pub fn within(&self, ceiling: &Self) -> bool {
        self.audience == ceiling.audience
            && self.scopes.within(&ceiling.scopes)
            && self.lifetime <= ceiling.lifetime
    }

    /// The same grant, living at most `seconds`.
    #[must_use]
    pub fn shortened(self, seconds: u64) -> Self {
        Self {
            lifetime: self.lifetime.min(seconds),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {

    use super::{Audience, BadScope, ScopeSet};

    #[test]
    fn scopes_follow_rfc_6749() {
        let set = ScopeSet::parse(["write read", "read"]).unwrap();
        assert_eq!(set.to_string(), "read write");
        for bad in ["a\"b", "a\\b", "a\nb", "ä", &"x".repeat(129)] {
            assert_eq!(ScopeSet::parse([bad]), Err(BadScope::Token), "{bad:?}");
        }
        let many: Vec<_> = (0..65).map(|n| n.to_string()).collect();
        assert_eq!(ScopeSet::try_from(many), Err(BadScope::TooMany));
    }

    #[test]
    fn within_is_subset() {
        let read = ScopeSet::parse(["read"]).unwrap();
        let both = ScopeSet::parse(["read", "write"]).unwrap();
        assert!(read.within(&both) && !both.within(&read));
    }

    #[test]
    fn audiences_are_one_word() {
        assert!(Audience::parse("https://api.example.test/v1?x=1").is_ok());
        for bad in ["", "a b", "a\u{1b}", &"x".repeat(513)] {
            assert!(Audience::parse(bad).is_err(), "{bad:?}");
        }
    }
}
