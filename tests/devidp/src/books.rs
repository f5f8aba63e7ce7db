//! The books: what was granted to whom, and every rule about using something twice.
//!
//! A *grant* is one login of one user through one client. Codes, refresh tokens and access tokens
//! point to it, and die with it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use ring::error::Unspecified;

use crate::error::OauthError;
use crate::random;
use crate::scope::Scope;

/// Seconds from the redirect to the token request (RFC 6749 section 4.1.2 asks for ten minutes at most).
const CODE_LIFETIME: u64 = 60;

/// One login.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) user: String,
    pub(crate) client: String,
    pub(crate) scope: Scope,
    /// Of the authorization request; the device flow has none.
    pub(crate) nonce: Option<String>,
    /// Seconds since the epoch.
    pub(crate) auth_time: u64,
}

/// Names a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GrantId(usize);

/// Everything that was given out.
#[derive(Default)]
pub(crate) struct Books {
    grants: Vec<(Grant, Standing)>,
    codes: HashMap<String, Code>,
    refresh: HashMap<String, Refresh>,
    access: HashMap<String, Access>,
    expelled: BTreeSet<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Good,
    Dead,
}

struct Code {
    grant: GrantId,
    redirect: String,
    challenge: String,
    expires: u64,
    spent: bool,
}

struct Refresh {
    grant: GrantId,
    spent: bool,
}

struct Access {
    grant: GrantId,
    scope: Scope,
    expires: u64,
}

impl Books {
    pub(crate) fn open(&mut self, grant: Grant) -> GrantId {
        self.grants.push((grant, Standing::Good));
        GrantId(self.grants.len() - 1)
    }

    /// The grant, unless it was revoked or its user is gone.
    pub(crate) fn grant(&self, id: GrantId) -> Option<&Grant> {
        match self.grants.get(id.0) {
            Some((grant, Standing::Good)) if !self.expelled.contains(&grant.user) => Some(grant),
            _ => None,
        }
    }

    pub(crate) fn issue_code(
        &mut self,
        grant: GrantId,
        redirect: &str,
        challenge: &str,
        now: u64,
    ) -> Result<String, Unspecified> {
        let code = random::token()?;
        let entry = Code {
            grant,
            redirect: redirect.to_owned(),
            challenge: challenge.to_owned(),
            expires: now + CODE_LIFETIME,
            spent: false,
        };
        self.codes.insert(code.clone(), entry);
        Ok(code)
    }

    /// Takes a code for its grant, once. A second use also ends what the first one got
    /// (RFC 6749 section 4.1.2), for one of the two was a thief.
    pub(crate) fn redeem_code(
        &mut self,
        client: &str,
        code: &str,
        redirect: &str,
        verifier: &str,
        now: u64,
    ) -> Result<GrantId, OauthError> {
        let entry = self
            .codes
            .get_mut(code)
            .ok_or(OauthError::InvalidGrant("no such code"))?;
        let id = entry.grant;
        if std::mem::replace(&mut entry.spent, true) {
            self.kill(id);
            return Err(OauthError::InvalidGrant("the code was used before"));
        }
        if now >= entry.expires {
            return Err(OauthError::InvalidGrant("the code is too old"));
        }
        if entry.redirect != redirect {
            return Err(OauthError::InvalidGrant(
                "another redirect_uri than the code was sent to",
            ));
        }
        if entry.challenge != challenge_of(verifier) {
            return Err(OauthError::InvalidGrant(
                "the code_verifier does not fit the code_challenge",
            ));
        }
        self.owned(client, id)?;
        Ok(id)
    }

    pub(crate) fn issue_refresh(&mut self, grant: GrantId) -> Result<String, Unspecified> {
        let token = random::token()?;
        self.refresh.insert(
            token.clone(),
            Refresh {
                grant,
                spent: false,
            },
        );
        Ok(token)
    }

    /// The grant of a refresh token. A token that was rotated away ends its whole family when it is
    /// seen again (RFC 9700 section 4.14.2).
    pub(crate) fn check_refresh(
        &mut self,
        client: &str,
        token: &str,
    ) -> Result<GrantId, OauthError> {
        let entry = self
            .refresh
            .get(token)
            .ok_or(OauthError::InvalidGrant("no such refresh token"))?;
        let (id, spent) = (entry.grant, entry.spent);
        self.owned(client, id)?;
        if spent {
            self.kill(id);
            return Err(OauthError::InvalidGrant(
                "the refresh token was used before",
            ));
        }
        Ok(id)
    }

    /// A successor for a refresh token that was just checked, which is good no more.
    pub(crate) fn rotate(&mut self, token: &str, grant: GrantId) -> Result<String, Unspecified> {
        let successor = self.issue_refresh(grant)?;
        if let Some(entry) = self.refresh.get_mut(token) {
            entry.spent = true;
        }
        Ok(successor)
    }

    pub(crate) fn issue_access(
        &mut self,
        grant: GrantId,
        scope: Scope,
        expires: u64,
    ) -> Result<String, Unspecified> {
        let token = random::token()?;
        self.access.insert(
            token.clone(),
            Access {
                grant,
                scope,
                expires,
            },
        );
        Ok(token)
    }

    /// Whose access token this is, and for what.
    pub(crate) fn access(&self, token: &str, now: u64) -> Option<(&Grant, &Scope)> {
        let entry = self.access.get(token).filter(|entry| now < entry.expires)?;
        Some((self.grant(entry.grant)?, &entry.scope))
    }

    /// RFC 7009: a refresh token takes its whole grant along, an access token only itself. Tokens
    /// unknown, or of another client, are no error and nothing happens (section 2.2).
    pub(crate) fn revoke(&mut self, client: &str, token: &str) {
        let of_client =
            |books: &Self, id| books.grant(id).is_some_and(|grant| grant.client == client);
        if let Some(id) = self.refresh.get(token).map(|entry| entry.grant)
            && of_client(self, id)
        {
            self.kill(id);
        }
        if let Some(id) = self.access.get(token).map(|entry| entry.grant)
            && of_client(self, id)
        {
            self.access.remove(token);
        }
    }

    /// The user left the company: nothing of theirs works, and they cannot log in.
    pub(crate) fn expel(&mut self, user: &str) {
        self.expelled.insert(user.to_owned());
    }

    /// The user is back, and so is what they had.
    pub(crate) fn readmit(&mut self, user: &str) {
        self.expelled.remove(user);
    }

    pub(crate) fn may_log_in(&self, user: &str) -> bool {
        !self.expelled.contains(user)
    }

    /// How many refresh tokens each user could use right now.
    pub(crate) fn live(&self) -> BTreeMap<String, usize> {
        let mut live = BTreeMap::new();
        for entry in self.refresh.values().filter(|entry| !entry.spent) {
            if let Some(grant) = self.grant(entry.grant) {
                *live.entry(grant.user.clone()).or_default() += 1;
            }
        }
        live
    }

    fn owned(&self, client: &str, id: GrantId) -> Result<(), OauthError> {
        match self.grant(id) {
            Some(grant) if grant.client == client => Ok(()),
            Some(_) => Err(OauthError::InvalidGrant("issued to another client")),
            None => Err(OauthError::InvalidGrant("the login was revoked")),
        }
    }

    fn kill(&mut self, id: GrantId) {
        if let Some((_, standing)) = self.grants.get_mut(id.0) {
            *standing = Standing::Dead;
        }
    }
}

/// S256 of RFC 7636 section 4.2.
pub(crate) fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: &str = "http://127.0.0.1:4711/callback";
    const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters";

    fn books_with_a_code() -> (Books, String) {
        let mut books = Books::default();
        let id = books.open(Grant {
            user: "alice".to_owned(),
            client: "valetkey".to_owned(),
            scope: Scope::parse("openid offline_access"),
            nonce: None,
            auth_time: 0,
        });
        let code = books
            .issue_code(id, HOME, &challenge_of(VERIFIER), 0)
            .unwrap();
        (books, code)
    }

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        // RFC 7636 appendix B.
        let challenge = challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_code_is_good_for_its_owner_only() {
        let cases = [
            ("another client", "mallory", HOME, VERIFIER, 0, false),
            (
                "another port",
                "valetkey",
                "http://127.0.0.1:4712/callback",
                VERIFIER,
                0,
                false,
            ),
            (
                "another verifier",
                "valetkey",
                HOME,
                "a-verifier-of-at-least-forty-three-characterS",
                0,
                false,
            ),
            ("too late", "valetkey", HOME, VERIFIER, CODE_LIFETIME, false),
            (
                "just in time",
                "valetkey",
                HOME,
                VERIFIER,
                CODE_LIFETIME - 1,
                true,
            ),
        ];
        for (what, client, redirect, verifier, now, good) in cases {
            let (mut books, code) = books_with_a_code();
            assert_eq!(
                books
                    .redeem_code(client, &code, redirect, verifier, now)
                    .is_ok(),
                good,
                "{what}"
            );
        }
    }

    #[test]
    fn a_code_used_twice_ends_what_the_first_use_got() {
        let (mut books, code) = books_with_a_code();
        let id = books
            .redeem_code("valetkey", &code, HOME, VERIFIER, 0)
            .unwrap();
        let refresh = books.issue_refresh(id).unwrap();
        assert!(
            books
                .redeem_code("valetkey", &code, HOME, VERIFIER, 0)
                .is_err()
        );
        assert!(books.check_refresh("valetkey", &refresh).is_err());
    }

    #[test]
    fn a_refresh_token_used_twice_ends_its_family() {
        let (mut books, code) = books_with_a_code();
        let id = books
            .redeem_code("valetkey", &code, HOME, VERIFIER, 0)
            .unwrap();
        let first = books.issue_refresh(id).unwrap();
        let second = books.rotate(&first, id).unwrap();
        let access = books.issue_access(id, Scope::parse("openid"), 100).unwrap();
        assert_eq!(books.check_refresh("valetkey", &second), Ok(id));
        assert!(books.access(&access, 99).is_some());

        assert!(books.check_refresh("valetkey", &first).is_err());
        assert!(books.check_refresh("valetkey", &second).is_err());
        assert!(books.access(&access, 99).is_none());
    }

    #[test]
    fn a_stranger_cannot_end_a_family_with_an_old_token() {
        let (mut books, code) = books_with_a_code();
        let id = books
            .redeem_code("valetkey", &code, HOME, VERIFIER, 0)
            .unwrap();
        let first = books.issue_refresh(id).unwrap();
        let second = books.rotate(&first, id).unwrap();
        assert!(books.check_refresh("mallory", &first).is_err());
        books.revoke("mallory", &second);
        assert_eq!(books.check_refresh("valetkey", &second), Ok(id));
    }

    #[test]
    fn revoking_the_refresh_token_revokes_the_access_token() {
        let (mut books, code) = books_with_a_code();
        let id = books
            .redeem_code("valetkey", &code, HOME, VERIFIER, 0)
            .unwrap();
        let refresh = books.issue_refresh(id).unwrap();
        let access = books.issue_access(id, Scope::parse("openid"), 100).unwrap();
        assert_eq!(books.live(), BTreeMap::from([("alice".to_owned(), 1)]));
        books.revoke("valetkey", &refresh);
        assert!(books.access(&access, 0).is_none());
        assert!(books.live().is_empty());
    }
}
