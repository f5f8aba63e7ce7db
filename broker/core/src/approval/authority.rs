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
        if let Approver::Person { user } = approver {
            broker.settings.approvals.admit(user, &self.asked.user)?;
        }
        let grant = &self.asked.grant;
        let question = ApproverQuestion {
            approver,
            risk: self.opinion.as_ref().and_then(|opinion| opinion.risk),
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
