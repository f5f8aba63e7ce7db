//! What is put into the first message of a WebSocket.

use std::{io, sync::Arc};

use valetkey_core::network::Origin;
use valetkey_inject::{FirstMessage, State};
use valetkey_secret::SameSecret as _;

use crate::{
    connection::Guest,
    gate::{Loan, Way},
};

/// A value that waits for its message.
pub(crate) struct Opening {
    message: FirstMessage,
    way: Way,
    origin: Origin,
    loan: Arc<Loan>,
}

impl Opening {
    pub(super) const fn new(
        message: FirstMessage,
        way: Way,
        origin: Origin,
        loan: Arc<Loan>,
    ) -> Self {
        Self {
            message,
            way,
            origin,
            loan,
        }
    }

    /// Takes what the client sent and appends what is to be sent in its place. `true` when the message is
    /// through: from then on bytes pass as they are.
    ///
    /// # Errors
    /// Where the connection must end: the value must not be used any more, or is another by now, which the
    /// answers are not searched for; or the message cannot hold it.
    pub(crate) async fn feed(
        &mut self,
        guest: &Guest,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> io::Result<bool> {
        let session = guest.room.session;
        let lent = guest.gate().lend(session, &self.way, &self.origin).await;
        let lent = lent.map_err(|refusal| io::Error::other(refusal.message().to_owned()))?;
        if !lent.value.same_secret(&self.loan.value) {
            return Err(io::Error::other("the value is another by now"));
        }
        let state = self.message.feed(bytes, &lent.value, out);
        Ok(state.map_err(io::Error::other)? == State::Done)
    }
}
