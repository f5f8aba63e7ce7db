//! The authority to obtain one token within its ceilings, once.

use std::sync::Arc;

use valetkey_codes::Code;
use valetkey_secret::IssuedToken;

use super::{Issued, identified::Weighed};
use crate::{
    ApprovalId, Caller, CallerFacts, Credential, Deadline, Event, Grant, Lease, LeaseId, Moment,
    Record, Refusal, RequestId, Session, record::SealedRecord,
};

/// How long a permit may be used, in seconds: what was true when it was judged grows stale.
const USE_WITHIN: u64 = 30;

/// The authority itself. Born when a request is judged, at once or again with its approval, and nowhere
/// else; dies when a token is issued. It cannot be copied, stored or read from anywhere.
#[derive(Debug)]
pub struct Permit {
    request: RequestId,
    session: Arc<Session>,
    caller: Arc<Caller>,
    credential: Arc<Credential>,
    grant: Grant,
    policies: Vec<String>,
    approval: Option<ApprovalId>,
    reason: Option<String>,
    use_by: Deadline,
}

impl Permit {
    pub(super) fn new(
        request: RequestId,
        session: Arc<Session>,
        caller: Arc<Caller>,
        weighed: Weighed,
        approval: Option<ApprovalId>,
        reason: Option<String>,
        now: Moment,
    ) -> Self {
        Self {
            request,
            session,
            caller,
            credential: weighed.credential,
            grant: weighed.grant,
            policies: weighed.policies,
            approval,
            reason,
            use_by: now.after(USE_WITHIN),
        }
    }

    /// The session that asked.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Where the token is to come from.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// The ceilings.
    pub const fn grant(&self) -> &Grant {
        &self.grant
    }

    /// The approval that it took, where it took one.
    pub const fn approval(&self) -> Option<ApprovalId> {
        self.approval
    }

    /// Whether it may still be used. Asked before a source is, and again by [`Self::issue`]: a token that
    /// somebody else's server made is made, whether or not it is released.
    pub fn fresh(&self, now: Moment) -> Result<(), Refusal> {
        if self.use_by.passed(now) {
            return Err(Refusal::new(Code::DeadlineExceeded).because("the permit grew stale"));
        }
        Ok(())
    }

    /// When a token that is issued at `now` ends: seconds since the Unix epoch. Never after the
    /// session.
    pub fn expires(&self, now: Moment) -> u64 {
        now.unix_seconds()
            .saturating_add(self.grant_at(now).lifetime)
    }

    /// Step 5: what is about to be done, for sources that act outside the broker.
    pub fn intent(&self, now: Moment) -> Result<SealedRecord, Refusal> {
        self.seal(
            now,
            Event::TokenIntended {
                credential: self.credential.name.clone(),
                grant: self.grant.clone(),
                policies: self.policies.clone(),
                approval: self.approval,
                caller: CallerFacts::from(self.caller.as_ref()),
            },
        )
    }

    /// Step 6: the token that a source obtained with this permit at `now`. Consumes the permit, so
    /// nothing is issued twice.
    pub fn issue(self, token: IssuedToken, lease: LeaseId, now: Moment) -> Result<Issued, Refusal> {
        self.fresh(now)?;
        let lease = Lease {
            id: lease,
            session: self.session.id,
            credential: self.credential.name.clone(),
            grant: self.grant_at(now),
            expires: self.expires(now),
        };
        let record = self.seal(
            now,
            Event::TokenIssued {
                lease: lease.clone(),
                user: self.session.user.id.clone(),
                policies: self.policies.clone(),
                approval: self.approval,
                reason: self.reason.clone(),
                caller: CallerFacts::from(self.caller.as_ref()),
            },
        )?;
        Ok(Issued::new(
            self.session.id,
            self.caller,
            lease,
            token,
            self.approval,
            record,
        ))
    }

    fn grant_at(&self, now: Moment) -> Grant {
        let left = self.session.deadline.remaining_seconds(now);
        self.grant.clone().shortened(left)
    }

    fn seal(&self, now: Moment, event: Event) -> Result<SealedRecord, Refusal> {
        let record = Record {
            at: now.unix_ms,
            request: Some(self.request),
            session: Some(self.session.id),
            event,
        };
        SealedRecord::new(record)
            .map_err(|error| Refusal::new(Code::Internal).because(error.to_string()))
    }
}
