//! What goes wrong with a login, as the rest of this crate tells it apart.

use valetkey_codes::Code;
use valetkey_core::{
    AccountName, Refusal, SecretName,
    ports::{LedgerError, StoreError},
    text::printable,
};

/// Longest piece of the provider's own words that is shown, in characters.
const QUOTE: usize = 200;
/// Longest sentence, in characters.
const SENTENCE: usize = 400;

/// Why there is no confirmed login. Cloned to everybody who waited for the same answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The provider did not speak, or not in a way that can be read: it may next time.
    Unreachable(String),
    /// The provider said no (RFC 6749 section 5.2). Cleaned for a terminal.
    Refused {
        error: String,
        description: Option<String>,
    },
    /// The provider's answer must not be believed.
    Unbelievable(String),
    /// The user is not one that the configuration accepts.
    ClaimMissing(String),
    /// The person did not finish in time.
    Abandoned(String),
    /// The port of the redirect cannot be listened on.
    Unlistenable(Option<u16>, String),
    /// The keyring did not do as asked.
    Keyring(StoreError),
    /// The configuration names a client secret that nobody stored.
    NoClientSecret(SecretName),
    /// The ledger did not store the record.
    Ledger(LedgerError),
    /// The login has ended; only a new one helps.
    Ended(String),
    /// There is no such account.
    NotLoggedIn(AccountName),
    /// A defect of this broker.
    Internal(&'static str),
}

impl Trouble {
    /// What the provider said, cleaned.
    pub(crate) fn refused(error: &str, description: Option<&str>) -> Self {
        Self::Refused {
            error: printable(error, QUOTE),
            description: description.map(|text| printable(text, QUOTE)),
        }
    }

    /// Why the login is over for good, where this says so. Everything else may pass.
    pub(crate) fn ends_login(&self) -> Option<String> {
        /// The errors that only the person can cure (RFC 6749 section 5.2, OpenID Connect Core 1.0
        /// section 3.1.2.6).
        const FINAL: [&str; 5] = [
            "invalid_grant",
            "login_required",
            "interaction_required",
            "consent_required",
            "account_selection_required",
        ];
        match self {
            Self::Refused { error, .. } if FINAL.contains(&error.as_str()) => Some(self.sentence()),
            Self::Keyring(StoreError::NoEntry) => {
                Some("the keyring no longer holds the refresh token".to_owned())
            }
            Self::ClaimMissing(_) => Some(self.sentence()),
            Self::Ended(why) => Some(why.clone()),
            _ => None,
        }
    }

    /// In words, for a person. Cleaned for a terminal, for the provider chose some of them.
    pub(crate) fn sentence(&self) -> String {
        printable(&self.words(), SENTENCE)
    }

    fn words(&self) -> String {
        match self {
            Self::Unreachable(why) => format!("the identity provider does not answer: {why}"),
            Self::Refused { error, .. } if error == "access_denied" => {
                "the login was denied at the identity provider".to_owned()
            }
            Self::Refused { error, description } => match description {
                Some(text) => format!("the identity provider refused: `{error}`, `{text}`"),
                None => format!("the identity provider refused: `{error}`"),
            },
            Self::Unbelievable(why) => {
                format!("the identity provider's answer was not accepted: {why}")
            }
            Self::ClaimMissing(why) | Self::Abandoned(why) | Self::Ended(why) => why.clone(),
            Self::Unlistenable(Some(port), why) => format!(
                "port {port} of 127.0.0.1 cannot be listened on: {why}; free it, or change `provider.redirect_port`"
            ),
            Self::Unlistenable(None, why) => {
                format!("no port of 127.0.0.1 can be listened on: {why}")
            }
            Self::Keyring(error) => error.to_string(),
            Self::NoClientSecret(name) => format!(
                "the keyring holds no client secret `{name}`; store it with `valetkey secret add {name}`"
            ),
            Self::Ledger(error) => error.to_string(),
            Self::NotLoggedIn(account) => {
                format!("nobody is logged in with the account `{account}`")
            }
            Self::Internal(why) => format!("the broker failed: {why}"),
        }
    }

    fn code(&self) -> Code {
        match self {
            Self::Unreachable(_) => Code::UpstreamUnavailable,
            Self::Refused { error, .. } if error == "access_denied" => Code::LoginRefused,
            Self::Refused { .. } => Code::UpstreamRefused,
            Self::Unbelievable(_) => Code::LoginRefused,
            Self::ClaimMissing(_) => Code::LoginClaimMissing,
            Self::Abandoned(_) => Code::LoginAbandoned,
            Self::Keyring(error) => error.code(),
            Self::NoClientSecret(_) => Code::SecretAbsent,
            Self::Ledger(_) => Code::AuditUnavailable,
            Self::Ended(_) => Code::LoginExpired,
            Self::NotLoggedIn(_) => Code::NotLoggedIn,
            Self::Unlistenable(..) | Self::Internal(_) => Code::Internal,
        }
    }

    pub(crate) fn refusal(&self) -> Refusal {
        let sentence = self.sentence();
        let refusal = Refusal::new(self.code()).because(&sentence);
        match self {
            // The table's own sentence serves.
            Self::Internal(_) | Self::Ledger(_) => refusal,
            Self::NotLoggedIn(account) => {
                let step = format!("the developer runs `valetkey login --account {account}`");
                refusal.saying(sentence).advising(step)
            }
            _ => refusal.saying(sentence),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Keyring(error)
    }
}

impl From<LedgerError> for Trouble {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

#[cfg(test)]
mod tests {
    use valetkey_core::ports::StoreError;

    use super::Trouble;

    #[test]
    fn only_what_a_new_login_cures_ends_a_login() {
        let ends = |trouble: Trouble| trouble.ends_login().is_some();
        assert!(ends(Trouble::refused("invalid_grant", None)));
        assert!(ends(Trouble::Keyring(StoreError::NoEntry)));
        assert!(ends(Trouble::ClaimMissing(String::new())));
        assert!(!ends(Trouble::refused("invalid_client", None)));
        assert!(!ends(Trouble::Unreachable(String::new())));
        assert!(!ends(Trouble::Unbelievable(String::new())));
        assert!(!ends(Trouble::Keyring(StoreError::Locked)));
    }

    #[test]
    fn the_providers_words_are_cleaned() {
        let refusal = Trouble::refused("a\u{1b}[2J", Some("b\nc")).refusal();
        assert_eq!(
            refusal.message(),
            "the identity provider refused: `a\u{fffd}[2J`, `b\u{fffd}c`"
        );
    }
}
