//! The developer's side of decisions: approvals, locks, and what the policies say.

use valetkey_wire::developer as dev;

use crate::{
    Developer, Error, Events,
    control::incomplete,
    deadline::{self, within},
};

impl Developer {
    /// Questions and answers of sessions that are not over, oldest first, as `account` sees them.
    pub async fn approvals(&self, account: &str) -> Result<Vec<dev::Approval>, Error> {
        let request = dev::ListApprovalsRequest {
            account: account.to_owned(),
        };
        self.call(request, async |mut client, wire| {
            client.list_approvals(wire).await
        })
        .await
        .map(|reply| reply.approvals)
    }

    /// All of them now and after every change. The stream has no deadline and ends with the broker.
    pub async fn watch_approvals(
        &self,
        account: &str,
    ) -> Result<Events<dev::WatchApprovalsResponse>, Error> {
        let request = dev::WatchApprovalsRequest {
            account: account.to_owned(),
        };
        within(deadline::CONTROL, async {
            let stream = self.0.clone().watch_approvals(request).await?.into_inner();
            Ok(Events::new(stream, None))
        })
        .await
    }

    /// Answers a question. The request names the digest of what its person was shown.
    ///
    /// Not undone by dropping it: the broker may have the answer.
    pub async fn answer_approval(
        &self,
        request: dev::AnswerApprovalRequest,
    ) -> Result<dev::Approval, Error> {
        let reply = self
            .call(request, async |mut client, wire| {
                client.answer_approval(wire).await
            })
            .await?;
        reply.approval.ok_or_else(incomplete)
    }

    /// Takes back a yes that stands.
    pub async fn take_back_approval(&self, account: &str, id: &str) -> Result<(), Error> {
        let request = dev::TakeBackApprovalRequest {
            account: account.to_owned(),
            id: id.to_owned(),
        };
        self.call(request, async |mut client, wire| {
            client.take_back_approval(wire).await
        })
        .await
        .map(|_taken| ())
    }

    /// Wakes a session that was held because of what its agent did.
    pub async fn resume_session(&self, id: &str) -> Result<dev::Session, Error> {
        let request = dev::ResumeSessionRequest { id: id.to_owned() };
        let reply = self
            .call(request, async |mut client, wire| {
                client.resume_session(wire).await
            })
            .await?;
        reply.session.ok_or_else(incomplete)
    }

    /// Locks the machine: every session refuses when this returns.
    pub async fn lock(&self, reason: &str) -> Result<(), Error> {
        let request = dev::LockRequest {
            reason: reason.to_owned(),
        };
        self.call(request, async |mut client, wire| client.lock(wire).await)
            .await
            .map(|_locked| ())
    }

    /// Lifts the owner's lock; tells of an admin's that is still held.
    pub async fn unlock(&self) -> Result<Option<dev::HeldLock>, Error> {
        let request = dev::UnlockRequest {};
        self.call(request, async |mut client, wire| client.unlock(wire).await)
            .await
            .map(|reply| reply.admin)
    }

    /// Why a request was answered as it was, or would be; within [`deadline::POLICIES`].
    pub async fn explain(
        &self,
        what: dev::explain_policy_request::What,
    ) -> Result<dev::ExplainPolicyResponse, Error> {
        let request = dev::ExplainPolicyRequest { what: Some(what) };
        self.call_for(deadline::POLICIES, request, async |mut client, wire| {
            client.explain_policy(wire).await
        })
        .await
    }

    /// What the policies of a folder would have answered to the requests of the last days; within
    /// [`deadline::POLICIES`]. The path is absolute: the broker has another working folder.
    pub async fn simulate(
        &self,
        request: dev::SimulatePoliciesRequest,
    ) -> Result<dev::SimulatePoliciesResponse, Error> {
        self.call_for(deadline::POLICIES, request, async |mut client, wire| {
            client.simulate_policies(wire).await
        })
        .await
    }

    /// Validates a folder of policies, runs its cases, finds rules that do nothing; within
    /// [`deadline::POLICIES`]. Paths are absolute.
    pub async fn check_policies(
        &self,
        request: dev::CheckPoliciesRequest,
    ) -> Result<dev::CheckPoliciesResponse, Error> {
        self.call_for(deadline::POLICIES, request, async |mut client, wire| {
            client.check_policies(wire).await
        })
        .await
    }
}
