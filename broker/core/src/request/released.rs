//! The ledger holds the token's record, so it may be read.

use valetkey_secret::IssuedToken;

use crate::Lease;

/// The last state of a request.
pub struct Released {
    lease: Lease,
    token: IssuedToken,
}

impl Released {
    pub(super) const fn new(lease: Lease, token: IssuedToken) -> Self {
        Self { lease, token }
    }

    /// The token, for the reply.
    pub const fn token(&self) -> &IssuedToken {
        &self.token
    }

    /// What the reply says of it.
    pub const fn lease(&self) -> &Lease {
        &self.lease
    }
}
