//! What is asked for, and what is given.

use std::{iter, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use valetkey_wire::agent::{GetTokenRequest, GetTokenResponse};
use zeroize::Zeroizing;

use crate::{Code, Error, deadline};

/// A token in the cache is replaced when it has less than this left, unless the request says
/// otherwise.
const FRESH: Duration = Duration::from_secs(60);

/// A request for one token.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    credential: String,
    scopes: Vec<String>,
    audience: Option<String>,
    lifetime: Option<Duration>,
    min_validity: Option<Duration>,
    reason: Option<String>,
    wait: Duration,
}

impl TokenRequest {
    /// Of the credential with this name; [`Agent::grants`](crate::Agent::grants) lists the names.
    pub fn new(credential: impl Into<String>) -> Self {
        Self {
            credential: credential.into(),
            scopes: Vec::new(),
            audience: None,
            lifetime: None,
            min_validity: None,
            reason: None,
            wait: Duration::ZERO,
        }
    }

    /// With one scope more (RFC 6749 section 3.3).
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// For this audience in place of the credential's first.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// For this long, in whole seconds. The broker cuts it to the credential's ceiling, the end of
    /// the session and one hour.
    #[must_use]
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// Refuse rather than hand out a token with less left than this. Without it a token from the
    /// cache has at least 60 seconds left, and a new one whatever the broker gives.
    #[must_use]
    pub const fn min_validity(mut self, left: Duration) -> Self {
        self.min_validity = Some(left);
        self
    }

    /// Why, for the people who read the ledger. Decides nothing.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Where an approval is needed, wait this long for it, in whole seconds. Without it the refusal
    /// [`Code::ApprovalPending`] comes at once.
    ///
    /// Past [`deadline::APPROVAL`] the request is made again, as often as it takes.
    #[must_use]
    pub const fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// The same, to be answered at once.
    pub(crate) fn at_once(&self) -> Self {
        self.clone().wait(Duration::ZERO)
    }

    /// How long each of its calls waits; one at least.
    pub(crate) fn waits(&self) -> impl Iterator<Item = Duration> {
        let mut left = Some(self.wait);
        iter::from_fn(move || {
            let now = left?.min(deadline::APPROVAL);
            left = left
                .map(|left| left.saturating_sub(now))
                .filter(|left| !left.is_zero());
            Some(now)
        })
    }

    /// Whether an approval is waited for.
    pub(crate) const fn waits_at_all(&self) -> bool {
        !self.wait.is_zero()
    }

    /// What tokens have to have in common for one to do for the other.
    pub(crate) fn key(&self) -> Key {
        let mut scopes = self.scopes.clone();
        scopes.sort_unstable();
        scopes.dedup();
        Key {
            credential: self.credential.clone(),
            scopes,
            audience: self.audience.clone(),
            lifetime: self.lifetime,
            wait: self.wait,
        }
    }

    pub(crate) const fn wants(&self) -> Wants {
        match self.min_validity {
            Some(left) => Wants { left, strict: true },
            None => Wants {
                left: FRESH,
                strict: false,
            },
        }
    }

    /// One call that waits for an approval for this long.
    pub(crate) fn to_wire(&self, wait: Duration) -> GetTokenRequest {
        GetTokenRequest {
            credential: self.credential.clone(),
            scopes: self.scopes.clone(),
            audience: self.audience.clone(),
            lifetime_seconds: self
                .lifetime
                .map(|life| i64::try_from(life.as_secs()).unwrap_or(i64::MAX)),
            min_validity_seconds: self.min_validity.map(|left| left.as_secs()),
            reason: self.reason.clone(),
            wait_seconds: (!wait.is_zero())
                .then(|| u32::try_from(wait.as_secs()).unwrap_or(u32::MAX)),
        }
    }
}

/// See [`TokenRequest::key`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    credential: String,
    scopes: Vec<String>,
    audience: Option<String>,
    lifetime: Option<Duration>,
    /// Who wants an answer at once does not queue behind somebody who waits for a person.
    wait: Duration,
}

/// How much of its life a token has to have left.
#[derive(Clone, Copy)]
pub(crate) struct Wants {
    pub(crate) left: Duration,
    /// The caller said so; without it a fresh token that is shorter will do.
    pub(crate) strict: bool,
}

/// A short-lived token and what is known about it.
pub struct Token {
    value: AccessToken,
    /// What was granted.
    pub scopes: Vec<String>,
    /// Who it is for.
    pub audience: String,
    /// The lease: the token's `jti`.
    pub lease: String,
    /// When it ends: seconds since the Unix epoch, by the broker's clock.
    pub expires_at: u64,
    /// How long it lives from when it was given: seconds.
    pub expires_in: u64,
    /// Its end by the clock of this machine that counts suspended time.
    end: Duration,
}

impl Token {
    /// The token itself.
    pub const fn value(&self) -> &AccessToken {
        &self.value
    }

    /// How much of its life is left at `now`.
    pub(crate) const fn left(&self, now: Duration) -> Duration {
        self.end.saturating_sub(now)
    }

    /// `given` is when it was given at the latest, so that the end is never put too late.
    pub(crate) fn from_wire(mut reply: GetTokenResponse, given: Duration) -> Result<Self, Error> {
        let value = AccessToken::new(std::mem::take(&mut reply.access_token))?;
        Ok(Self {
            value,
            scopes: reply.scopes,
            audience: reply.audience,
            lease: reply.lease_id,
            expires_at: reply.expires_at,
            expires_in: reply.expires_in,
            end: given.saturating_add(Duration::from_secs(reply.expires_in)),
        })
    }
}

/// The token as text, for an `Authorization: Bearer` header (RFC 6750 section 2.1). Wiped on drop;
/// has no `Debug`, no `Display` and no `Clone`.
pub struct AccessToken(SecretString);

impl AccessToken {
    /// Accepts what fits into a header and on a line of its own: visible ASCII.
    fn new(text: String) -> Result<Self, Error> {
        // Held from here on by something that wipes it, also where it is refused.
        let text = Zeroizing::new(text);
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::new(
                Code::Internal,
                "the broker's answer is not a token",
            ));
        }
        Ok(Self(SecretString::from(text.as_str())))
    }

    /// The one way to read it. What is done with the text is no longer this crate's to wipe.
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{AccessToken, TokenRequest};

    #[test]
    fn a_token_is_visible_ascii() {
        assert!(AccessToken::new("ey.J-_~+/=".to_owned()).is_ok());
        for bad in ["", "two words", "line\n", "\u{1b}[2J", "ü"] {
            assert!(AccessToken::new(bad.to_owned()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_long_wait_is_several_calls() {
        for (wait, calls) in [
            (0, vec![0]),
            (5, vec![5]),
            (600, vec![600]),
            (1230, vec![600, 600, 30]),
        ] {
            let request = TokenRequest::new("c").wait(Duration::from_secs(wait));
            let waits: Vec<_> = request.waits().map(|wait| wait.as_secs()).collect();
            assert_eq!(waits, calls);
        }
    }

    #[test]
    fn the_order_of_scopes_makes_no_other_token() {
        let one = TokenRequest::new("c").scope("a").scope("b");
        let same = TokenRequest::new("c").scope("b").scope("a").scope("a");
        assert!(one.key() == same.key());
        assert!(one.key() == one.clone().reason("because").key());
        for other in [
            TokenRequest::new("d").scope("a").scope("b"),
            TokenRequest::new("c").scope("a"),
            one.clone().audience("x"),
            one.clone().lifetime(Duration::from_secs(5)),
            one.clone().wait(Duration::from_secs(5)),
        ] {
            assert!(one.key() != other.key());
        }
    }
}
