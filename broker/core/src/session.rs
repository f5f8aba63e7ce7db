//! Sessions: one run of one agent, lent a part of one user's authority. Transitions are pure: they
//! take a session and give the next one, or say why there is none.

use serde::{Deserialize, Serialize};
use valetkey_codes::Code;

use crate::{
    AccountName, AgentName, Deadline, LeaseId, Moment, Pins, ProfileName, Refusal, SessionId, User,
};

/// One run of one agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its id; also the name of its socket's folder.
    pub id: SessionId,
    /// The account that lends its authority.
    pub account: AccountName,
    /// The user behind the account, as of the last verified ID token.
    pub user: User,
    /// What kind of agent runs.
    pub agent: AgentName,
    /// The profile of its sandbox, where the broker's launcher makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileName>,
    /// The folder it works in, to show; cleaned for a terminal.
    pub workspace: Option<String>,
    /// What its callers must be.
    pub pins: Pins,
    /// When it began.
    pub started: Moment,
    /// When it ends by itself.
    pub deadline: Deadline,
    /// Where it stands.
    pub state: SessionState,
    /// When its developer last woke it after it was held: what it did before is forgiven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forgiven: Option<Moment>,
}

/// Where a session stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SessionState {
    /// It may ask.
    Active,
    /// Its user's login has ended; a new login wakes it.
    Suspended {
        /// Why, in words.
        reason: String,
    },
    /// Its agent did what it should not; its developer looks and wakes it.
    Held {
        /// Why, in words.
        reason: String,
    },
    /// Its developer ended it.
    Ended,
    /// Its lifetime is over.
    Expired,
    /// An admin took it back.
    Revoked {
        /// Who: issuer and subject of the admin.
        by: String,
        /// Why, in the admin's words, cleaned for a terminal.
        reason: String,
    },
}

impl SessionState {
    /// The state as it stands in JSON and tables.
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended { .. } => "suspended",
            Self::Held { .. } => "held",
            Self::Ended => "ended",
            Self::Expired => "expired",
            Self::Revoked { .. } => "revoked",
        }
    }

    /// Whether it can never be active again.
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Ended | Self::Expired | Self::Revoked { .. })
    }
}

impl Session {
    /// Whether it may ask at `now`; otherwise the code that says why not. A deadline that has passed
    /// counts at once, before anybody has recorded it.
    pub fn usable(&self, now: Moment) -> Result<(), Code> {
        match &self.state {
            SessionState::Active if self.deadline.passed(now) => Err(Code::SessionExpired),
            SessionState::Active => Ok(()),
            SessionState::Suspended { .. } => Err(Code::SessionSuspended),
            SessionState::Held { .. } => Err(Code::SessionHeld),
            SessionState::Ended => Err(Code::SessionEnded),
            SessionState::Expired => Err(Code::SessionExpired),
            SessionState::Revoked { .. } => Err(Code::SessionRevoked),
        }
    }

    /// The same for what speaks for it, which is also told what to do: in a sandbox nobody starts a session,
    /// and its agent goes with it.
    pub fn serves(&self, now: Moment) -> Result<(), Refusal> {
        self.usable(now).map_err(|code| {
            let refusal = Refusal::new(code);
            match code {
                Code::SessionEnded | Code::SessionExpired if self.profile.is_some() => {
                    refusal.advising("start the agent again, with `valetkey run`")
                }
                _ => refusal,
            }
        })
    }

    /// The session after its developer ended it; `None` where it was over already.
    pub fn end(&self) -> Option<Self> {
        self.moved_to(SessionState::Ended)
    }

    /// The session after its lifetime ran out; `None` where it was over already.
    pub fn expire(&self) -> Option<Self> {
        self.moved_to(SessionState::Expired)
    }

    /// The session after an admin revoked it; `None` where it was over already.
    pub fn revoke(&self, by: String, reason: String) -> Option<Self> {
        self.moved_to(SessionState::Revoked { by, reason })
    }

    /// The session after its user's login ended; `None` where it is not active.
    pub fn suspend(&self, reason: String) -> Option<Self> {
        match self.state {
            SessionState::Active => self.moved_to(SessionState::Suspended { reason }),
            _ => None,
        }
    }

    /// The session after its agent did what it should not; `None` where it is over or held already.
    pub fn hold(&self, reason: String) -> Option<Self> {
        match self.state {
            SessionState::Held { .. } => None,
            _ => self.moved_to(SessionState::Held { reason }),
        }
    }

    /// The session after its developer woke it; `None` where it is not held.
    pub fn resume(&self, now: Moment) -> Option<Self> {
        match self.state {
            SessionState::Held { .. } => Some(Self {
                state: SessionState::Active,
                forgiven: Some(now),
                ..self.clone()
            }),
            _ => None,
        }
    }

    /// The session after its user logged in again, with what the new ID token says; `None` where
    /// that is another user, or nothing would change, or the session is over. One that is held stays
    /// so: a login says nothing of what its agent did.
    pub fn renew(&self, user: &User) -> Option<Self> {
        let state = match &self.state {
            SessionState::Suspended { .. } => SessionState::Active,
            state => state.clone(),
        };
        let unchanged = self.state == state && self.user == *user;
        if self.state.is_final() || self.user.id != user.id || unchanged {
            return None;
        }
        Some(Self {
            user: user.clone(),
            state,
            ..self.clone()
        })
    }

    /// The session after its sandbox was made; `None` where it is not waiting for one.
    pub fn entered(&self, pid_namespace: u64) -> Option<Self> {
        (self.pins.pid_namespace == Some(Pins::NOWHERE) && !self.state.is_final()).then(|| Self {
            pins: Pins {
                pid_namespace: Some(pid_namespace),
                ..self.pins.clone()
            },
            ..self.clone()
        })
    }

    fn moved_to(&self, state: SessionState) -> Option<Self> {
        (!self.state.is_final()).then(|| Self {
            state,
            ..self.clone()
        })
    }
}

/// One issued token, and all that is known to take it back. Never the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Its id; the `jti` of a signed token.
    pub id: LeaseId,
    /// The session it was issued to.
    pub session: SessionId,
    /// The credential it came from.
    pub credential: crate::CredentialName,
    /// What it carries.
    pub grant: crate::Grant,
    /// When it ends: seconds since the Unix epoch.
    pub expires: u64,
}

#[cfg(test)]
pub(crate) mod tests {

    use valetkey_codes::Code;

    use super::{Session, SessionState};
    use crate::{AccountName, AgentName, Boot, Moment, Pins, ProfileName, SessionId, User, UserId};

    pub(crate) const NOW: Moment = Moment {
        unix_ms: 1_800_000_000_000,
        boot_us: 50_000_000,
        boot: Boot(7),
    };

    pub(crate) fn session() -> Session {
        Session {
            id: SessionId::parse("0198c0de00007000800000000000000f").unwrap(),
            account: AccountName::parse("default").unwrap(),
            user: User {
                id: UserId {
                    issuer: "https://id.example.test".into(),
                    subject: "alice".into(),
                },
                display: "Alice".into(),
                groups: ["dev".to_owned()].into(),
            },
            agent: AgentName::parse("coder").unwrap(),
            profile: None,
            workspace: None,
            pins: Pins::default(),
            started: NOW,
            deadline: NOW.after(60),
            state: SessionState::Active,
            forgiven: None,
        }
    }

    #[test]
    fn what_is_over_stays_over() {
        let alice = session().user;
        let over = [
            session().end().unwrap(),
            session().expire().unwrap(),
            session().revoke("boss".into(), "left".into()).unwrap(),
        ];
        for session in over {
            assert!(session.usable(NOW).is_err());
            assert_eq!(session.end(), None);
            assert_eq!(session.expire(), None);
            assert_eq!(session.revoke(String::new(), String::new()), None);
            assert_eq!(session.suspend(String::new()), None);
            assert_eq!(session.renew(&alice), None);
        }
    }

    #[test]
    fn a_suspended_session_wakes_only_for_its_own_user() {
        let suspended = session().suspend("login ended".into()).unwrap();
        assert_eq!(suspended.usable(NOW), Err(Code::SessionSuspended));
        let mut mallory = session().user;
        mallory.id.subject = "mallory".into();
        assert_eq!(suspended.renew(&mallory), None);
        let mut alice = session().user;
        alice.groups.clear();
        let awake = suspended.renew(&alice).unwrap();
        assert_eq!(awake.usable(NOW), Ok(()));
        assert!(awake.user.groups.is_empty(), "groups follow the new token");
    }

    #[test]
    fn a_held_session_wakes_by_its_developer_and_not_by_a_login() {
        let held = session().hold("asked too often".into()).unwrap();
        assert_eq!(held.usable(NOW), Err(Code::SessionHeld));
        assert_eq!(held.renew(&session().user), None);
        assert_eq!(held.suspend(String::new()), None);
        let awake = held.resume(NOW).unwrap();
        assert_eq!(awake.usable(NOW), Ok(()));
        assert_eq!(awake.forgiven, Some(NOW));
        assert_eq!(session().resume(NOW), None);
    }

    #[test]
    fn in_a_sandbox_the_next_step_is_not_to_start_a_session() {
        let sandboxed = Session {
            profile: ProfileName::parse("open").ok(),
            ..session()
        };
        for over in [Session::end, Session::expire] {
            let said = |session: &Session| {
                let refusal = over(session).unwrap().serves(NOW).unwrap_err();
                refusal.next_step().to_owned()
            };
            assert!(said(&session()).contains("`valetkey session start --agent NAME`"));
            assert_eq!(
                said(&sandboxed),
                "start the agent again, with `valetkey run`"
            );
        }
        let held = sandboxed.hold(String::new()).unwrap();
        let refusal = held.serves(NOW).unwrap_err();
        assert_eq!(refusal.next_step(), Code::SessionHeld.row().next_step);
    }

    #[test]
    fn a_passed_deadline_counts_before_it_is_recorded() {
        let late = Moment {
            unix_ms: NOW.unix_ms + 60_000,
            ..NOW
        };
        assert_eq!(session().usable(late), Err(Code::SessionExpired));
    }
}
