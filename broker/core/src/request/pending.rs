//! The policies ask for an approval.

use std::sync::Arc;

use valetkey_codes::Code;

use super::{Identified, Judged, identified::Weighed, received::admit};
use crate::{
    Approval, Broker, Credential, Grant, Moment, Refusal, RequestId, Session, Tier, approval::Asked,
};

/// The third state of a request that the policies permit with friction. There is no way from here to a
/// token but an approval that stands, with which the core asks the policies again.
#[derive(Debug)]
pub struct Pending {
    request: Identified,
    weighed: Weighed,
}

impl Pending {
    pub(super) const fn new(request: Identified, weighed: Weighed) -> Self {
        Self { request, weighed }
    }

    /// The request's id.
    pub fn request(&self) -> RequestId {
        self.request.id
    }

    /// The session that asks.
    pub fn session(&self) -> &Session {
        &self.request.session
    }

    /// The friction that is asked for.
    pub const fn tier(&self) -> Tier {
        self.weighed.tier
    }

    /// Where the token is to come from.
    pub fn credential(&self) -> &Credential {
        &self.weighed.credential
    }

    /// What would be granted.
    pub const fn grant(&self) -> &Grant {
        &self.weighed.grant
    }

    /// What a person is shown.
    pub fn asked(&self) -> Asked {
        let session = &self.request.session;
        Asked {
            user: session.user.id.clone(),
            display: session.user.display.clone(),
            agent: session.agent.clone(),
            workspace: session.workspace.clone(),
            credential: self.weighed.credential.name.clone(),
            grant: self.weighed.grant.clone(),
            reason: self.request.reason(),
            tier: self.weighed.tier,
            policies: self.weighed.policies.clone(),
        }
    }

    /// Step 4: an answer was found that may be about this. Everything is asked again as if the request
    /// had just come: who asks, whether the session may, what the policies say, and whether whoever
    /// answered still may. `used` is when the answer was last used.
    ///
    /// Not for adapters: an approval is a fact that anybody can write down, and this takes its word for
    /// what the store showed.
    pub(crate) fn approved(self, approval: &Approval, used: Moment, broker: &Broker) -> Judged {
        match self.weigh_again(approval, used, broker) {
            Ok((request, weighed)) => request.judged(weighed, Some(approval), broker.now()),
            Err(refusal) => Judged::Refused(refusal),
        }
    }

    fn weigh_again(
        self,
        approval: &Approval,
        used: Moment,
        broker: &Broker,
    ) -> Result<(Identified, Weighed), Refusal> {
        let (ports, settings, now) = (&broker.ports, &broker.settings, broker.now());
        let id = self.request.session.id;
        let session: Arc<Session> = ports.sessions.load(id).ok_or(Code::UnknownSession)?;
        admit(
            &session,
            &self.request.caller,
            settings.owner,
            &*ports.callers,
        )?;
        session.usable(now)?;
        broker.open()?;
        let request = self.request.of(session);
        let mut weighed = request.weigh(&settings.credentials, &*ports.policy, now)?;
        let tier = weighed.tier;
        if matches!(tier, Tier::Review | Tier::Human)
            && approval.session == id
            && approval.covers(&weighed.credential, &weighed.grant, tier)
            && let Some((approver, _)) = approval.standing(used, now)
            && let Some(approver) = approver.as_of_today(&request.session.user, broker)
            && approval
                .may_be_answered_by(&approver, &weighed.credential, broker)
                .is_ok()
        {
            weighed.approved = true;
        }
        Ok((request, weighed))
    }
}
