//! A token exists that nobody can read yet.

use std::sync::Arc;

use valetkey_codes::Code;
use valetkey_secret::IssuedToken;

use super::Released;
use crate::{
    ApprovalId, Caller, Lease, Moment, Refusal, SessionId,
    ports::{Callers, Receipt, Sessions},
    record::SealedRecord,
};

/// The fifth state of a request. It has no way to its token.
pub struct Issued {
    session: SessionId,
    caller: Arc<Caller>,
    lease: Lease,
    token: IssuedToken,
    approval: Option<ApprovalId>,
    record: SealedRecord,
}

impl Issued {
    pub(super) const fn new(
        session: SessionId,
        caller: Arc<Caller>,
        lease: Lease,
        token: IssuedToken,
        approval: Option<ApprovalId>,
        record: SealedRecord,
    ) -> Self {
        Self {
            session,
            caller,
            lease,
            token,
            approval,
            record,
        }
    }

    /// Step 7: the caller is still the same live process, and its session may still ask.
    pub fn still_wanted(
        &self,
        callers: &dyn Callers,
        sessions: &dyn Sessions,
        now: Moment,
    ) -> Result<(), Refusal> {
        if !callers.alive(&self.caller) {
            return Err(Code::CallerGone.into());
        }
        let session = sessions.load(self.session).ok_or(Code::UnknownSession)?;
        session.serves(now)
    }

    /// What the ledger must hold before the token may be read.
    pub fn record(&self) -> SealedRecord {
        self.record.clone()
    }

    /// Step 8: the token may be read, now that the ledger has shown a receipt for this very record.
    pub fn release(self, receipt: &Receipt) -> Result<Released, Refusal> {
        if receipt.digest() != self.record.digest() {
            return Err(
                Refusal::new(Code::AuditUnavailable).because("the receipt is for another record")
            );
        }
        Ok(Released::new(self.lease, self.token, self.approval))
    }
}
