//! The caller is one that the session was made for.

use std::sync::Arc;

use valetkey_codes::Code;

use super::{Ask, Judged, Pending, Permit};
use crate::{
    Approval, Caller, Credential, Credentials, Grant, Moment, Refusal, RequestId, Session, Tier,
    ports::{Policy, Question},
    text::printable,
};

/// Longest reason that is kept, in characters.
const REASON: usize = 500;

/// The second state of a request.
#[derive(Debug)]
pub struct Identified {
    pub(super) id: RequestId,
    pub(super) session: Arc<Session>,
    pub(super) caller: Arc<Caller>,
    ask: Ask,
}

/// What was asked, read and weighed by the policies.
#[derive(Debug)]
pub(super) struct Weighed {
    pub(super) credential: Arc<Credential>,
    pub(super) grant: Grant,
    pub(super) tier: Tier,
    pub(super) policies: Vec<String>,
    /// Whether the friction that `tier` asks for was met.
    pub(super) approved: bool,
}

impl Identified {
    pub(super) const fn new(
        id: RequestId,
        session: Arc<Session>,
        caller: Arc<Caller>,
        ask: Ask,
    ) -> Self {
        Self {
            id,
            session,
            caller,
            ask,
        }
    }

    /// The same request, of the session as it is now.
    pub(super) fn of(self, session: Arc<Session>) -> Self {
        Self { session, ..self }
    }

    /// Step 3: reads what was asked, asks the policies, and turns their verdict into a permit or a
    /// question. The agent's reason is carried along for people and reaches no decision.
    pub fn judge(self, credentials: &Credentials, policy: &dyn Policy, now: Moment) -> Judged {
        match self.weigh(credentials, policy, now) {
            Ok(weighed) => self.judged(weighed, None, now),
            Err(refusal) => Judged::Refused(refusal),
        }
    }

    pub(super) fn judged(
        self,
        weighed: Weighed,
        approval: Option<&Approval>,
        now: Moment,
    ) -> Judged {
        let approval = match weighed.tier {
            Tier::Auto => None,
            Tier::Review | Tier::Human if weighed.approved => approval.map(|approval| approval.id),
            Tier::Review | Tier::Human => return Judged::Pending(Pending::new(self, weighed)),
            Tier::Deny => {
                let why = denied_by(&weighed.policies);
                return Judged::Refused(Refusal::new(Code::Denied).because(why));
            }
        };
        let reason = self.reason();
        Judged::Permit(Permit::new(
            self.id,
            self.session,
            self.caller,
            weighed,
            approval,
            reason,
            now,
        ))
    }

    /// The agent's own words, cleaned.
    pub(super) fn reason(&self) -> Option<String> {
        let reason = self.ask.reason.as_deref();
        reason.map(|reason| printable(reason, REASON))
    }

    pub(super) fn weigh(
        &self,
        credentials: &Credentials,
        policy: &dyn Policy,
        now: Moment,
    ) -> Result<Weighed, Refusal> {
        let (credential, grant) = self.ask.read(&self.session, credentials, now)?;
        if credential.min_tier == Tier::Deny {
            let why = "the configuration gives this credential to nobody";
            return Err(Refusal::new(Code::Denied).because(why));
        }
        let verdict = policy
            .decide(&Question {
                session: &self.session,
                credential: &credential,
                scopes: &grant.scopes,
                audience: &grant.audience,
                lifetime: grant.lifetime,
            })
            .map_err(|error| Refusal::new(Code::Denied).because(error.to_string()))?;
        Ok(Weighed {
            tier: verdict.tier.max(credential.min_tier),
            credential,
            grant,
            policies: verdict.policies,
            approved: false,
        })
    }
}

fn denied_by(policies: &[String]) -> String {
    if policies.is_empty() {
        "no policy permits it".to_owned()
    } else {
        format!("forbidden by {}", policies.join(", "))
    }
}
