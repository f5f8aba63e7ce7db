//! The caller is one that the session was made for.

use std::sync::Arc;

use valetkey_codes::Code;

use super::{Ask, Judged, Pending, Permit};
use crate::{
    ApprovalId, Caller, Credential, Credentials, Grant, Moment, Refusal, RequestId, Session, Tier,
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
    caller: Arc<Caller>,
    ask: Ask,
}

/// What was asked, read and weighed by the policies.
#[derive(Debug)]
pub(super) struct Weighed {
    pub(super) credential: Arc<Credential>,
    pub(super) grant: Grant,
    pub(super) tier: Tier,
    pub(super) policies: Vec<String>,
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

    /// Step 3: reads what was asked, asks the policies, and turns their verdict into a permit or a
    /// question. The agent's reason is carried along for people and reaches no decision.
    pub fn judge(self, credentials: &Credentials, policy: &dyn Policy, now: Moment) -> Judged {
        let weighed = match self.weigh(credentials, policy, now) {
            Ok(weighed) => weighed,
            Err(refusal) => return Judged::Refused(refusal),
        };
        match weighed.tier {
            Tier::Auto => Judged::Permit(self.permit(weighed, None, now)),
            Tier::Review | Tier::Human => Judged::Pending(Pending::new(self, weighed)),
            Tier::Deny => {
                let why = denied_by(&weighed.policies);
                Judged::Refused(Refusal::new(Code::Denied).because(why))
            }
        }
    }

    pub(super) fn permit(
        self,
        weighed: Weighed,
        approval: Option<ApprovalId>,
        now: Moment,
    ) -> Permit {
        let reason = self.reason();
        Permit::new(
            self.id,
            self.session,
            self.caller,
            weighed,
            approval,
            reason,
            now,
        )
    }

    /// The agent's own words, cleaned.
    pub(super) fn reason(&self) -> Option<String> {
        let reason = self.ask.reason.as_deref();
        reason.map(|reason| printable(reason, REASON))
    }

    fn weigh(
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
            tier: verdict.tier.max(credential.min_tier).max(self.ask.least),
            credential,
            grant,
            policies: verdict.policies,
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
