//! OAuth scope: a set of words, in the order asked for.

use std::fmt;

/// The words this provider knows. Others are dropped, as OpenID Connect Core section 3.1.2.1 allows.
pub(crate) const SUPPORTED: [&str; 5] = ["openid", "offline_access", "profile", "email", "groups"];

/// What a grant is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope(Vec<String>);

impl Scope {
    /// The supported words of a space-separated list.
    pub(crate) fn parse(text: &str) -> Self {
        Self(
            text.split(' ')
                .filter(|word| SUPPORTED.contains(word))
                .map(str::to_owned)
                .collect(),
        )
    }

    pub(crate) fn has(&self, word: &str) -> bool {
        self.0.iter().any(|own| own == word)
    }

    /// The asked-for part of this scope, or nothing if more is asked than there is
    /// (RFC 6749 section 6).
    pub(crate) fn narrow(&self, asked: Option<&str>) -> Option<Self> {
        let Some(asked) = asked else {
            return Some(self.clone());
        };
        let words = asked.split(' ').filter(|word| !word.is_empty());
        words
            .map(|word| self.has(word).then(|| word.to_owned()))
            .collect::<Option<_>>()
            .map(Self)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_may_ask_for_less_and_never_for_more() {
        let scope = Scope::parse("openid groups bogus");
        assert_eq!(scope.to_string(), "openid groups");
        assert_eq!(scope.narrow(Some("groups")), Some(Scope::parse("groups")));
        assert_eq!(scope.narrow(Some("openid email")), None);
        assert_eq!(scope.narrow(None), Some(scope));
    }
}
