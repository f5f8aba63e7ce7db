//! The ledger holds the token's record, so it may be read.

use valetkey_secret::IssuedToken;

use crate::{ApprovalId, Lease};

/// The last state of a request.
pub struct Released {
    lease: Lease,
    token: IssuedToken,
    approval: Option<ApprovalId>,
}

impl Released {
    pub(super) const fn new(
        lease: Lease,
        token: IssuedToken,
        approval: Option<ApprovalId>,
    ) -> Self {
        Self {
            lease,
            token,
            approval,
        }
    }

    /// The token, for the reply.
    pub const fn token(&self) -> &IssuedToken {
        &self.token
    }

    /// The approval that it took, where it took one: what is used for a while ends when that is taken
    /// back.
    pub const fn approval(&self) -> Option<ApprovalId> {
        self.approval
    }

    /// The token itself, for whoever uses it for a while in the agent's stead.
    pub fn into_parts(self) -> (Lease, IssuedToken) {
        (self.lease, self.token)
    }

    /// What the reply says of it.
    pub const fn lease(&self) -> &Lease {
        &self.lease
    }
}
