//! How often a session may ask people, and what its behaviour leads to. Counted from the questions
//! themselves, so a restart forgives nothing.

use std::{collections::BTreeSet, sync::Arc};

use super::{Approval, Approver, Ending, State};
use crate::Moment;

/// Over so many windows, so many times the questions that are enough in one: whoever stays just below is
/// met by this.
const PATIENCE: (u64, usize) = (6, 3);

/// What the configuration settles about approvals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRules {
    /// How long a question waits for its answer, in seconds.
    pub expire_after: u64,
    /// How long an answer for one token can be used, in seconds.
    pub once_within: u64,
    /// Longest time that an answer is remembered, in seconds.
    pub remember_max: u64,
    /// A remembered answer lapses when it was not used for this long, in seconds.
    pub remember_idle: u64,
    /// How long a no stands for the same request, in seconds: it is not asked again.
    pub refusal_holds: u64,
    /// Most questions that one session may have open.
    pub max_open: usize,
    /// The time in which questions are counted, in seconds.
    pub window: u64,
    /// After this many questions in the window, the next has to wait,
    pub slow_after: usize,
    /// this long after the one before, in seconds;
    pub slow_gap: u64,
    /// and after this many the session is held; thrice as many in six windows are enough too.
    pub suspend_after: usize,
    /// After this many refusals in a row by a reviewer, the session is suspended; 0 for never.
    pub denials: usize,
    /// Whoever answers is in one of these groups, beside what the policies say; empty for anybody.
    pub approver_groups: BTreeSet<String>,
    /// Whoever asks never answers.
    pub four_eyes: bool,
}

impl Default for ApprovalRules {
    fn default() -> Self {
        Self {
            expire_after: 600,
            once_within: 300,
            remember_max: 8 * 3600,
            remember_idle: 1800,
            refusal_holds: 600,
            max_open: 10,
            window: 600,
            slow_after: 10,
            slow_gap: 15,
            suspend_after: 30,
            denials: 3,
            approver_groups: BTreeSet::new(),
            four_eyes: false,
        }
    }
}

/// What a session's questions so far allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conduct {
    /// It may ask.
    Fine,
    /// It may not ask just now.
    Slow,
    /// It is to be held: it asked so often within so many seconds.
    Enough {
        /// How often is enough.
        asked: usize,
        /// In what time.
        seconds: u64,
    },
}

impl ApprovalRules {
    /// Whether a session that put these questions may put another one at `now`. Those before
    /// `forgiven` do not count.
    pub fn may_ask(&self, questions: &[Arc<Approval>], forgiven: Moment, now: Moment) -> Conduct {
        let counted = |window: u64| {
            questions.iter().filter(move |approval| {
                !before(approval.at, forgiven) && !approval.at.after(window).passed(now)
            })
        };
        let (windows, times) = PATIENCE;
        let bounds = [
            (self.suspend_after, self.window),
            (
                self.suspend_after.saturating_mul(times),
                self.window.saturating_mul(windows),
            ),
        ];
        for (asked, seconds) in bounds {
            if counted(seconds).count() >= asked {
                return Conduct::Enough { asked, seconds };
            }
        }
        // Who is slowed down waits since the last question that was put, or would wait for ever.
        let put = counted(self.window).filter(|approval| was_put(approval));
        let last = put.map(|approval| now.ms_since(approval.at)).min();
        let soon = last.is_some_and(|ago| ago < self.slow_gap.saturating_mul(1000));
        let open = questions.iter().filter(|approval| approval.is_open());
        let many = counted(self.window).count() >= self.slow_after;
        if open.count() >= self.max_open || (many && soon) {
            Conduct::Slow
        } else {
            Conduct::Fine
        }
    }

    /// Whether a reviewer refused the last questions of the session, one after the other, since
    /// `forgiven`.
    pub fn row_of_denials(&self, questions: &[Arc<Approval>], forgiven: Moment) -> bool {
        let answered = questions.iter().filter_map(|approval| answer_of(approval));
        let mut answered: Vec<_> = answered.filter(|(at, _)| !before(*at, forgiven)).collect();
        answered.sort_by_key(|(at, _)| std::cmp::Reverse(at.unix_ms));
        let denied = answered.iter().take_while(|(_, denied)| *denied).count();
        self.denials > 0 && denied >= self.denials
    }
}

/// By the clock that nobody sets, where that can tell.
fn before(at: Moment, forgiven: Moment) -> bool {
    forgiven.ms_since(at) > 0
}

const fn was_put(approval: &Approval) -> bool {
    !matches!(
        approval.state,
        State::Over {
            ending: Ending::NotPut,
            ..
        }
    )
}

/// When it was answered, and whether that was a reviewer's no.
const fn answer_of(approval: &Approval) -> Option<(Moment, bool)> {
    match &approval.state {
        State::Refused { by, at } => Some((*at, matches!(by, Approver::Reviewer { .. }))),
        State::Granted { at, .. } => Some((*at, false)),
        State::Over {
            ending: Ending::Used,
            at,
        } => Some((*at, false)),
        State::Open { .. } | State::Over { .. } => None,
    }
}
