//! Where an approval stands, and how it goes on. Transitions are pure: they take an approval and give
//! the next one, or say why there is none.

use serde::{Deserialize, Serialize};
use valetkey_codes::Code;

use super::{Approval, Opinion};
use crate::{Deadline, Moment, User};

/// Who an open question is put to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The automatic reviewer.
    Reviewer,
    /// A person.
    Person,
}

/// Who answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Approver {
    /// A person, as the identity provider described them then.
    Person {
        /// Who.
        user: User,
    },
    /// An automatic reviewer.
    Reviewer {
        /// Its configured name.
        name: String,
    },
}

impl Approver {
    /// A short name to show.
    pub fn display(&self) -> &str {
        match self {
            Self::Person { user } => &user.display,
            Self::Reviewer { name } => name,
        }
    }
}

/// How far a yes reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Term {
    /// One token, asked for by then.
    Once {
        /// By when.
        use_by: Deadline,
    },
    /// Every request that it covers, until then or until nobody used it for so long.
    Until {
        /// Until when at most.
        until: Deadline,
        /// Seconds without use after which it lapses.
        idle: u64,
    },
}

impl Term {
    /// Whether it has ended at `now`, having been used at `used` for the last time.
    pub fn over(&self, used: Moment, now: Moment) -> bool {
        match *self {
            Self::Once { use_by } => use_by.passed(now),
            Self::Until { until, idle } => until.passed(now) || used.after(idle).passed(now),
        }
    }
}

/// How an approval ended without a no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It was not put to anybody: its session asks too often. It counts all the same.
    NotPut,
    /// Nobody answered in time.
    Expired,
    /// The agent took the question back.
    Withdrawn,
    /// The policies changed and do not allow it any more.
    PolicyChanged,
    /// It was for one token, and that was given.
    Used,
    /// Its time is over, or it was not used for too long.
    Lapsed,
    /// A person took it back.
    TakenBack,
}

impl Ending {
    /// The ending as it stands in JSON and tables.
    pub const fn id(self) -> &'static str {
        match self {
            Self::NotPut => "not_put",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::PolicyChanged => "policy_changed",
            Self::Used => "used",
            Self::Lapsed => "lapsed",
            Self::TakenBack => "taken_back",
        }
    }
}

/// Where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits for an answer.
    Open {
        /// Whose.
        stage: Stage,
    },
    /// It was answered with yes.
    Granted {
        /// By whom.
        by: Approver,
        /// How far that reaches.
        term: Term,
        /// When.
        at: Moment,
    },
    /// It was answered with no.
    Refused {
        /// By whom.
        by: Approver,
        /// When.
        at: Moment,
    },
    /// It is over.
    Over {
        /// How it ended.
        ending: Ending,
        /// When.
        at: Moment,
    },
}

impl State {
    /// The state as it stands in JSON and tables.
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Granted { .. } => "granted",
            Self::Refused { .. } => "refused",
            Self::Over { .. } => "over",
        }
    }
}

/// What a person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes, for one token.
    Once,
    /// Yes, for this many seconds.
    For(u64),
    /// Yes, until the session is over.
    Session,
    /// No.
    No,
    /// No, and the session ends.
    NoAndEnd,
}

impl Answer {
    /// The answer as it stands in records.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::For(_) => "for",
            Self::Session => "session",
            Self::No => "no",
            Self::NoAndEnd => "no_and_end",
        }
    }
}

impl Approval {
    /// After an answer of yes.
    pub fn grant(&self, by: Approver, term: Term, now: Moment) -> Result<Self, Code> {
        self.answered(State::Granted { by, term, at: now }, now)
    }

    /// After an answer of no.
    pub fn refuse(&self, by: Approver, now: Moment) -> Result<Self, Code> {
        self.answered(State::Refused { by, at: now }, now)
    }

    /// After a reviewer spoke and left it to a person.
    pub fn escalate(&self, opinion: Opinion, now: Moment) -> Result<Self, Code> {
        let stage = Stage::Person;
        let next = self.answered(State::Open { stage }, now)?;
        Ok(Self {
            opinion: Some(opinion),
            ..next
        })
    }

    /// The same with what a reviewer said.
    #[must_use]
    pub fn with(self, opinion: Opinion) -> Self {
        Self {
            opinion: Some(opinion),
            ..self
        }
    }

    /// After it ended; `None` where it had ended or was refused already.
    pub fn end(&self, ending: Ending, now: Moment) -> Option<Self> {
        match self.state {
            State::Open { .. } | State::Granted { .. } => {
                Some(self.moved_to(State::Over { ending, at: now }))
            }
            State::Refused { .. } | State::Over { .. } => None,
        }
    }

    /// How it must end at `now` by the time alone, if it must. `used` is when it was last used.
    pub fn due(&self, used: Moment, now: Moment) -> Option<Ending> {
        match &self.state {
            State::Open { .. } if self.expires.passed(now) => Some(Ending::Expired),
            State::Granted { term, .. } if term.over(used, now) => Some(Ending::Lapsed),
            _ => None,
        }
    }

    fn answered(&self, state: State, now: Moment) -> Result<Self, Code> {
        match self.state {
            State::Open { .. } if self.expires.passed(now) => Err(Code::ApprovalExpired),
            State::Open { .. } => Ok(self.moved_to(state)),
            _ => Err(Code::ApprovalSettled),
        }
    }
}
