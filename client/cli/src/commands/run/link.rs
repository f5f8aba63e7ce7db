//! The sandbox at the broker, for as long as both are there.

use std::{
    os::fd::{AsFd as _, OwnedFd},
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use valetkey_sdk::{Code, Error, Handover, Retry, Room, hand_over};

use crate::output::Output;

/// How long to wait before a broker that is away is looked for, at first and at most.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// What is handed over, and again to a broker that was started since.
pub(super) struct Place {
    pub at: PathBuf,
    pub session: String,
    pub sandbox: u32,
    pub listener: OwnedFd,
    pub ticket: Option<String>,
}

/// A sandbox that the broker serves, or will once it is back.
pub(super) struct Link {
    place: Arc<Place>,
    state: State,
}

enum State {
    Here(Handover),
    /// It is looked for. Never dropped half-way while the link is wanted: a broker that was told would take
    /// that for the end of the sandbox.
    Away(
        Pin<Box<dyn Future<Output = Result<Handover, Error>> + Send>>,
        Duration,
    ),
}

impl Link {
    /// Hands the sandbox over.
    pub(super) async fn make(place: Place) -> Result<Self, Error> {
        let handover = place.hand_over().await?;
        Ok(Self {
            place: Arc::new(place),
            state: State::Here(handover),
        })
    }

    /// Ready when the session is over, with the code that says why, or when the broker has gone and could not
    /// serve the sandbox again. Otherwise waits for it to come back, and tells. Cancel safe.
    pub(super) async fn over(&mut self, output: &Output) -> Code {
        loop {
            match &mut self.state {
                State::Here(handover) => {
                    let code = handover.over().await;
                    if !is_away(code) || self.place.ticket.is_none() {
                        return code;
                    }
                    output.remark(
                        "the broker has stopped; until it is back what is inside has no tokens, and its network waits",
                    );
                    self.look_for(PAUSE);
                }
                State::Away(coming, pause) => match coming.await {
                    Ok(handover) => {
                        output.remark("the broker is back; tokens and network are there again");
                        self.state = State::Here(handover);
                    }
                    Err(error) if is_over(error.code) => return error.code,
                    // The session lives, and this broker will not have its sandbox.
                    Err(error) if error.code.row().retry == Retry::Never => {
                        return Code::BrokerUnreachable;
                    }
                    Err(_not_yet) => {
                        let longer = LONGEST_PAUSE.min(*pause * 2);
                        self.look_for(longer);
                    }
                },
            }
        }
    }

    fn look_for(&mut self, pause: Duration) {
        let place = Arc::clone(&self.place);
        let coming = async move {
            tokio::time::sleep(pause).await;
            place.hand_over().await
        };
        self.state = State::Away(Box::pin(coming), pause);
    }
}

impl Place {
    async fn hand_over(&self) -> Result<Handover, Error> {
        let room = Room {
            session: &self.session,
            sandbox: self.sandbox,
            listener: self.listener.as_fd(),
            ticket: self.ticket.as_deref(),
        };
        hand_over(&self.at, &room).await
    }
}

/// The broker has gone, and not the session.
pub(super) const fn is_away(code: Code) -> bool {
    matches!(code, Code::BrokerUnreachable | Code::ShuttingDown)
}

/// No broker will serve the session any more.
pub(super) const fn is_over(code: Code) -> bool {
    matches!(
        code,
        Code::UnknownSession | Code::SessionEnded | Code::SessionExpired | Code::SessionRevoked
    )
}
