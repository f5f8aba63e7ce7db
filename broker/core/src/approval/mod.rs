//! Approvals: one question about one request, and its answer. Values and pure transitions; the use
//! cases are in [`crate::approvals`].

mod asked;
mod authority;
mod conduct;
mod opinion;
mod state;

pub use asked::{Asked, Digest};
pub use conduct::{ApprovalRules, Conduct};
pub use opinion::{Finding, Opinion, Risk};
pub use state::{Answer, Approver, Ending, Stage, State, Term};

use serde::{Deserialize, Serialize};

use crate::{ApprovalId, Credential, Deadline, Grant, Moment, SessionId, Tier};

/// One question and what became of it. A fact that is stored, never a permission: whoever wants to use
/// an answer asks the policies again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// Counts its changes from 1. Of two changes of the same revision one is stored.
    pub revision: u64,
    /// The session that asks. Nobody else can use the answer.
    pub session: SessionId,
    /// What was shown, and is granted if the answer is yes.
    pub asked: Asked,
    /// When it was asked.
    pub at: Moment,
    /// Until when it can be answered.
    pub expires: Deadline,
    /// What the automatic reviewer said, where it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opinion: Option<Opinion>,
    /// Where it stands.
    pub state: State,
}

impl Approval {
    /// A question that is new.
    pub const fn new(
        id: ApprovalId,
        session: SessionId,
        asked: Asked,
        stage: Stage,
        at: Moment,
        expires: Deadline,
    ) -> Self {
        Self {
            id,
            revision: 1,
            session,
            asked,
            at,
            expires,
            opinion: None,
            state: State::Open { stage },
        }
    }

    /// The digest of what was shown. An answer names it.
    pub fn digest(&self) -> Digest {
        self.asked.digest(self.id, self.session)
    }

    /// Whether it waits for an answer.
    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// Whether what was asked includes this, as [`Asked::covers`].
    pub fn covers(&self, credential: &Credential, grant: &Grant, tier: Tier) -> bool {
        self.asked.covers(&credential.name, grant, tier)
    }

    /// Who answered yes, where that answer can be used at `now`. `used` is when it was last used.
    pub fn standing(&self, used: Moment, now: Moment) -> Option<(&Approver, &Term)> {
        match &self.state {
            State::Granted { by, term, .. } if !term.over(used, now) => Some((by, term)),
            _ => None,
        }
    }

    /// The same after `state`, one revision on.
    pub(crate) fn moved_to(&self, state: State) -> Self {
        Self {
            revision: self.revision.saturating_add(1),
            state,
            ..self.clone()
        }
    }
}
