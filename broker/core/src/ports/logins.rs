//! Who is logged in.

use serde::{Deserialize, Serialize};

use super::{Answer, LedgerError};
use crate::{AccountName, Refusal, User, record::SealedRecord};

/// How a person signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginMethod {
    /// Authorization code with PKCE in a browser on this machine (RFC 8252, RFC 7636).
    Code,
    /// Device authorization grant (RFC 8628).
    Device,
}

/// What the person has to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginStart {
    /// Open this address.
    Browser {
        /// The authorization request.
        url: String,
    },
    /// Open this address anywhere and type the code.
    Device {
        /// Where.
        verification_uri: String,
        /// The same with the code in it, where the provider gives one.
        verification_uri_complete: Option<String>,
        /// What to type.
        user_code: String,
        /// How long the code is good for, in seconds.
        expires_in: u64,
    },
}

/// A login under way.
pub struct PendingLogin {
    /// What the person has to do.
    pub start: LoginStart,
    /// Ready when the person has done it and everything is verified and stored. Dropping it does not
    /// end the flight: others may wait for the same one.
    pub done: Answer<'static, Result<User, Refusal>>,
}

/// How old the provider's word may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// What the last verified ID token said, within the grace for an unreachable provider.
    Known,
    /// The provider must have confirmed it within this many seconds; it is asked if it has not.
    Within(u64),
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginStatus {
    /// Its name.
    pub account: AccountName,
    /// Who it is.
    pub user: User,
    /// When the provider last confirmed it: seconds since the Unix epoch.
    pub confirmed: u64,
    /// When the broker will renew it: seconds since the Unix epoch.
    pub renews: u64,
    /// Whether it lends authority just now: its last confirmation counts still.
    pub alive: bool,
    /// Why it cannot be used, or soon will not be.
    pub problem: Option<String>,
}

/// What a logout did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutReport {
    /// Whether the provider confirmed that the refresh token is revoked (RFC 7009); otherwise why.
    pub revoked_at_provider: Result<(), String>,
}

/// Logins: one identity provider, several accounts.
pub trait Logins: Send + Sync {
    /// Begins a login, or joins the one that is under way for this account: N callers never open N
    /// browsers.
    fn begin<'a>(
        &'a self,
        account: &'a AccountName,
        method: LoginMethod,
    ) -> Answer<'a, Result<PendingLogin, Refusal>>;

    /// The user behind an account. Never opens a browser. A login that is known to be dead answers
    /// at once; any number of callers share one request to the provider.
    fn current<'a>(
        &'a self,
        account: &'a AccountName,
        freshness: Freshness,
    ) -> Answer<'a, Result<User, Refusal>>;

    /// Ends a login: revokes the refresh token at the provider, wipes it from the keyring, and
    /// forgets the account. What is local is done even where the provider does not answer.
    fn end<'a>(&'a self, account: &'a AccountName) -> Answer<'a, Result<LogoutReport, Refusal>>;

    /// Every account.
    fn list(&self) -> Vec<LoginStatus>;
}

/// What is kept of a login beside its refresh token. No secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginRecord {
    /// The account.
    pub account: AccountName,
    /// Who it is, as of the last verified ID token.
    pub user: User,
    /// When the provider last confirmed it: seconds since the Unix epoch.
    pub confirmed: u64,
    /// When the ID token of that confirmation ends: seconds since the Unix epoch.
    pub expires: u64,
    /// The refresh token is no longer good; only a new login helps.
    pub dead: Option<String>,
}

/// Where logins are kept between two runs of the broker; implemented by the store, used by whoever
/// implements [`Logins`].
pub trait LoginBook: Send + Sync {
    /// Every login.
    fn load(&self) -> Answer<'_, Result<Vec<LoginRecord>, LedgerError>>;

    /// Stores a login and the record of it in one durable step.
    fn save(&self, login: LoginRecord, record: SealedRecord)
    -> Answer<'_, Result<(), LedgerError>>;

    /// Forgets an account and records it in one durable step. Idempotent.
    fn remove<'a>(
        &'a self,
        account: &'a AccountName,
        record: SealedRecord,
    ) -> Answer<'a, Result<(), LedgerError>>;
}

/// Who is told when a login changes; implemented by the core, used by whoever implements [`Logins`].
pub trait LoginEvents: Send + Sync {
    /// The account's user is confirmed, perhaps with other groups: its sessions follow.
    fn confirmed<'a>(&'a self, account: &'a AccountName, user: &'a User) -> Answer<'a, ()>;

    /// The account's authority has ended: its sessions are suspended when this is ready.
    fn ended<'a>(&'a self, account: &'a AccountName, reason: &'a str) -> Answer<'a, ()>;
}
