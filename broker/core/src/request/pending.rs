//! The policies ask for an approval.

use std::ops::ControlFlow;

use super::{Identified, Permit, identified::Weighed};
use crate::{
    Approval, Approver, Broker, Credential, Grant, Moment, RequestId, Session, Tier,
    approval::Asked,
};

/// The third state of a request that the policies permit with friction. There is no way from here to a
/// token but an approval that stands. Nobody waits in this state: a request that is not approved ends,
/// and one that is made anew asks the policies anew.
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

    /// Step 4: an answer was found that may be about this. It counts where it covers what is asked now
    /// and stands, and whoever gave it still may; otherwise the request is given back. `used` is when
    /// the answer was last used. Who asks and what the policies say was asked a moment ago, in steps 2
    /// and 3 of this very request: after the answer was given.
    ///
    /// Not for adapters: an approval is a fact that anybody can write down, and this takes its word for
    /// what the store showed.
    pub(crate) fn approved(
        self,
        approval: &Approval,
        used: Moment,
        broker: &Broker,
    ) -> ControlFlow<Permit, Self> {
        if self.is_answered_by(approval, used, broker) {
            let Self { request, weighed } = self;
            let permit = request.permit(weighed, Some(approval.id), broker.now());
            return ControlFlow::Break(permit);
        }
        ControlFlow::Continue(self)
    }

    fn is_answered_by(&self, approval: &Approval, used: Moment, broker: &Broker) -> bool {
        let Weighed {
            credential,
            grant,
            tier,
            ..
        } = &self.weighed;
        let standing = approval.standing(used, broker.now());
        let today = |by: &Approver| by.as_of_today(&self.session().user, broker);
        approval.session == self.session().id
            && approval.covers(credential, grant, *tier)
            && standing.and_then(|(by, _)| today(by)).is_some_and(|by| {
                let may = approval.may_be_answered_by(&by, credential, broker);
                may.is_ok()
            })
    }
}
