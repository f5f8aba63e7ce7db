//! Logins, sources and keys that say what they are told to say, and approvals that take their time.

use std::sync::Mutex;

use tokio::sync::{Notify, oneshot};
use valetkey_codes::Code;
use valetkey_core::{
    AccountName, Algorithm, Approval, ApprovalId, Lease, LeaseId, Moment, Refusal, SessionId,
    SourceKind, User, UserId,
    ports::{
        Answer, ApprovalError, Approvals, Effect, Freshness, Kept, Keys, LoginMethod, LoginStart,
        LoginStatus, Logins, LogoutReport, PendingLogin, PublicKey, Retraction, SourceError,
        Sources,
    },
    record::SealedRecord,
    request::Permit,
};
use valetkey_secret::IssuedToken;
use valetkey_support::fakes::approvals::MemoryApprovals;
use zeroize::Zeroizing;

/// Tokens that spell out what they are good for.
#[derive(Default)]
pub(crate) struct SpelledTokens {
    /// Whether to keep requests waiting.
    pub hold: Mutex<bool>,
    /// Told when a request waits.
    pub waiting: Notify,
    /// Lets those that wait go on.
    pub go: Notify,
}

impl Sources for SpelledTokens {
    fn effect(&self, _: SourceKind) -> Effect {
        Effect::Local
    }

    fn obtain<'a>(
        &'a self,
        permit: &'a Permit,
        _: LeaseId,
        _: Moment,
    ) -> Answer<'a, Result<IssuedToken, SourceError>> {
        Box::pin(async move {
            if *self.hold.lock().unwrap() {
                let go = self.go.notified();
                self.waiting.notify_one();
                go.await;
            }
            let grant = permit.grant();
            let text = format!(
                "{}|{}|{}|{}|{}",
                permit.session().user.id.subject,
                permit.credential().name,
                grant.scopes,
                grant.audience,
                grant.lifetime
            );
            Ok(IssuedToken::new(Zeroizing::new(text.into_bytes())))
        })
    }

    fn revoke<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Result<Retraction, SourceError>> {
        Box::pin(async { Ok(Retraction::EndsAt(lease.expires)) })
    }
}

/// Accounts are users of the same name; the account `boss` is in the group `admins`, `carol` in
/// `seniors`. Nobody is logged in as `nobody`.
#[derive(Default)]
pub(crate) struct NamesakeLogins {
    /// Finishes the login that is under way.
    pub finish: Mutex<Option<oneshot::Sender<()>>>,
}

pub(crate) fn user(name: &str) -> User {
    let group = match name {
        "boss" => "admins",
        "carol" => "seniors",
        _ => "developers",
    };
    User {
        id: UserId {
            issuer: "https://id.example.test".into(),
            subject: name.into(),
        },
        display: name.into(),
        groups: [group.to_owned()].into(),
    }
}

impl Logins for NamesakeLogins {
    fn begin<'a>(
        &'a self,
        account: &'a AccountName,
        method: LoginMethod,
    ) -> Answer<'a, Result<PendingLogin, Refusal>> {
        Box::pin(async move {
            let (finish, finished) = oneshot::channel();
            *self.finish.lock().unwrap() = Some(finish);
            let start = match method {
                LoginMethod::Code => LoginStart::Browser {
                    url: "https://id.example.test/authorize".into(),
                },
                LoginMethod::Device => LoginStart::Device {
                    verification_uri: "https://id.example.test/device".into(),
                    verification_uri_complete: None,
                    user_code: "ABCD-EFGH".into(),
                    expires_in: 600,
                },
            };
            let user = user(account.as_str());
            let done = Box::pin(async move {
                finished
                    .await
                    .map_err(|_| Refusal::new(Code::LoginAbandoned))?;
                Ok(user)
            });
            Ok(PendingLogin { start, done })
        })
    }

    fn current<'a>(
        &'a self,
        account: &'a AccountName,
        _: Freshness,
    ) -> Answer<'a, Result<User, Refusal>> {
        Box::pin(async move {
            match account.as_str() {
                "nobody" => Err(Refusal::new(Code::NotLoggedIn).because("canary detail")),
                name => Ok(user(name)),
            }
        })
    }

    fn end<'a>(&'a self, _: &'a AccountName) -> Answer<'a, Result<LogoutReport, Refusal>> {
        Box::pin(async {
            Ok(LogoutReport {
                revoked_at_provider: Err("it does not answer".into()),
            })
        })
    }

    fn list(&self) -> Vec<LoginStatus> {
        vec![LoginStatus {
            account: AccountName::parse("alice").unwrap(),
            user: user("alice"),
            confirmed: 1,
            renews: 2,
            alive: true,
            problem: None,
        }]
    }
}

/// One key of each algorithm.
pub(crate) struct TwoKeys;

fn keys() -> Vec<PublicKey> {
    let key = |algorithm, y: Option<&str>| PublicKey {
        kid: format!("kid-{algorithm:?}"),
        algorithm,
        x: "eHg".into(),
        y: y.map(Into::into),
        retires: None,
    };
    vec![
        key(Algorithm::EdDSA, None),
        key(Algorithm::ES256, Some("eXk")),
    ]
}

impl Keys for TwoKeys {
    fn public(&self) -> Answer<'_, Result<Vec<PublicKey>, SourceError>> {
        Box::pin(async { Ok(keys()) })
    }

    fn rotate(&self) -> Answer<'_, Result<Vec<PublicKey>, SourceError>> {
        Box::pin(async { Ok(keys()) })
    }
}

/// Approvals of which another request may store one first.
pub(crate) struct UnhurriedApprovals(pub MemoryApprovals);

impl Approvals for UnhurriedApprovals {
    fn list(&self, session: Option<SessionId>) -> Vec<Kept> {
        self.0.list(session)
    }

    fn save(
        &self,
        approval: Approval,
        record: SealedRecord,
    ) -> Answer<'_, Result<(), ApprovalError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.0.save(approval, record).await
        })
    }

    fn touch(&self, approval: ApprovalId, now: Moment) {
        self.0.touch(approval, now);
    }

    fn changed(&self, seen: u64) -> Answer<'_, u64> {
        self.0.changed(seen)
    }
}
