//! What is put into the first message of a WebSocket.

use std::sync::Arc;

use valetkey_inject::{FirstMessage, PlaceError, State};

use crate::gate::Loan;

/// A value that waits for its message.
pub(crate) struct Opening {
    message: FirstMessage,
    loan: Arc<Loan>,
}

impl Opening {
    pub(super) const fn new(message: FirstMessage, loan: Arc<Loan>) -> Self {
        Self { message, loan }
    }

    /// Takes what the client sent and appends what is to be sent in its place. `true` when the message is
    /// through: from then on bytes pass as they are.
    pub(crate) fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<bool, PlaceError> {
        let state = self.message.feed(bytes, &self.loan.value, out)?;
        Ok(state == State::Done)
    }
}
