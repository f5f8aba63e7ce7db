//! Who may answer.

use valetkey_codes::Code;

use super::{Approval, ApprovalRules, Approver};
use crate::{
    Broker, Credential, Refusal, User, UserId,
    ports::{ApproverQuestion, Consent},
};

impl Approval {
    /// Whether `approver` may answer it, by the policies and by the configuration. Asked when they do
    /// and whenever their answer is used.
    pub fn may_be_answered_by(
        &self,
        approver: &Approver,
        credential: &Credential,
        broker: &Broker,
    ) -> Result<(), Refusal> {
        let risk = match approver {
            Approver::Person { user } => {
                broker.settings.approvals.admit(user, &self.asked.user)?;
                None
            }
            Approver::Reviewer { name } => {
                let configured = broker.ports.reviewer.as_ref();
                if configured.is_none_or(|reviewer| reviewer.name() != name) {
                    return Err(Refusal::new(Code::NotApprover)
                        .because("that reviewer is not configured any more"));
                }
                self.opinion.as_ref().and_then(|opinion| opinion.risk)
            }
        };
        let grant = &self.asked.grant;
        let question = ApproverQuestion {
            approver,
            risk,
            requester: &self.asked.user,
            agent: &self.asked.agent,
            credential,
            scopes: &grant.scopes,
            audience: &grant.audience,
            lifetime: grant.lifetime,
        };
        let refused = Refusal::new(Code::NotApprover);
        match broker.ports.policy.may_approve(&question) {
            Ok(Consent::May(_)) => Ok(()),
            Ok(Consent::MayNot(by)) if by.is_empty() => {
                Err(refused.because("no policy lets them approve"))
            }
            Ok(Consent::MayNot(by)) => {
                Err(refused.because(format!("forbidden by {}", by.join(", "))))
            }
            Err(error) => Err(refused.because(error.to_string())),
        }
    }
}

impl Approver {
    /// The same with the groups of today, as far as this broker knows them: by the session that asks,
    /// or by a login of theirs. Whoever left a group does not approve by what they answered before, and
    /// neither does whoever's logins have all ended: `None`.
    pub(crate) fn as_of_today(&self, requester: &User, broker: &Broker) -> Option<Self> {
        let Self::Person { user } = self else {
            return Some(self.clone());
        };
        if user.id == requester.id {
            let user = requester.clone();
            return Some(Self::Person { user });
        }
        let mut theirs = broker.ports.logins.list();
        theirs.retain(|login| login.user.id == user.id);
        if theirs.is_empty() {
            // They answered by a messenger, and this broker never met them.
            return Some(self.clone());
        }
        let alive = theirs.into_iter().filter(|login| login.alive);
        let latest = alive.max_by_key(|login| login.confirmed);
        latest.map(|login| Self::Person { user: login.user })
    }
}

impl ApprovalRules {
    fn admit(&self, user: &User, requester: &UserId) -> Result<(), Refusal> {
        let refused = Refusal::new(Code::NotApprover);
        if self.four_eyes && user.id == *requester {
            return Err(refused.because("whoever asks does not answer"));
        }
        if !self.approver_groups.is_empty() && !user.in_any(&self.approver_groups) {
            return Err(refused.because("not in a group that answers"));
        }
        Ok(())
    }
}
