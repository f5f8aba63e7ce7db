//! What the live view knows, and how it goes on. Nothing here looks at a clock, a terminal or a broker.

use ratatui::layout::Size;
use valetkey_sdk::wire::developer::answer_approval_request::Answer;

use super::{super::view::Approval, draw};
use crate::{
    commands::approvals::view::rank,
    output::{Tone, span},
};

/// What a person may do with an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Yes, once.
    Once,
    /// Yes, until its session ends.
    Session,
    /// Yes, for this many seconds.
    For(u64),
    /// No.
    Deny,
    /// No, and the session ends.
    DenyAndEnd,
    /// Take back a yes that stands.
    Forget,
}

/// A deed for which a `y` is waited. It names its approval and the digest of what was on the screen, so
/// that it means this one whatever becomes of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) deed: Deed,
    pub(super) id: String,
    pub(super) digest: String,
    /// What it is about, in words.
    pub(super) subject: String,
}

/// The live view.
pub(super) struct State {
    pub(super) account: String,
    /// Questions first, then answers that stand; the oldest of each first.
    pub(super) rows: Vec<Approval>,
    /// The id of the one that is selected.
    pub(super) selected: Option<String>,
    /// How many lines of its details are scrolled away.
    pub(super) scrolled: usize,
    /// What waits for a `y`.
    pub(super) order: Option<Order>,
    /// The last thing that happened.
    pub(super) note: Option<(Tone, String)>,
    /// Whether the broker tells of changes.
    pub(super) connected: bool,
    /// What was sent and not yet answered.
    pub(super) sent: Option<Order>,
    /// Seconds since the Unix epoch.
    pub(super) now: u64,
    pub(super) size: Size,
    /// Which question comes next once `sent` is done.
    then: Option<String>,
    /// The selected one has gone, and nobody has chosen another yet.
    gone: bool,
}

impl State {
    pub(super) fn new(account: String, now: u64, size: Size) -> Self {
        Self {
            account,
            rows: Vec::new(),
            selected: None,
            scrolled: 0,
            order: None,
            note: None,
            connected: false,
            sent: None,
            now,
            size,
            then: None,
            gone: false,
        }
    }

    /// Takes the approvals as they are now. What is selected stays selected wherever it stands now; when
    /// it is gone nothing is, so that no key meant for it can hit another.
    pub(super) fn update(&mut self, approvals: Vec<Approval>) {
        self.connected = true;
        self.rows = approvals;
        self.rows.retain(|row| row.is_open() || row.stands());
        self.rows.sort_by_key(|row| (rank(row), row.asked_at));
        if let Some(order) = self.order.take() {
            if self.still(&order) {
                self.order = Some(order);
            } else {
                self.warn(format!("it has changed meanwhile: {}", order.subject));
            }
        }
        let answered = self.sent.as_ref().map(|order| &order.id);
        if self.selected.is_none() && !self.gone {
            self.select(0);
        } else if self.selected.as_ref() != answered {
            self.let_go();
        }
    }

    /// The stream of changes has ended.
    pub(super) fn disconnect(&mut self, why: &str) {
        self.connected = false;
        self.order = None;
        self.warn(format!("{why}; trying again"));
    }

    /// A deed was done, or was not.
    pub(super) fn done(&mut self, outcome: Result<(), String>) {
        let Some(order) = self.sent.take() else {
            return;
        };
        match outcome {
            Ok(()) => {
                let text = format!("{}: {}", order.deed.done(), order.subject);
                self.note = Some((Tone::Good, text));
                let then = self.then.take();
                let next = self
                    .rows
                    .iter()
                    .position(|row| Some(&row.id) == then.as_ref());
                if let Some(next) = next
                    && self.selected.as_ref() == Some(&order.id)
                {
                    self.select(next);
                }
            }
            Err(why) => self.note = Some((Tone::Bad, why)),
        }
        self.let_go();
    }

    /// Selects nothing where what was selected has gone.
    fn let_go(&mut self) {
        if self.selected.is_some() && self.position().is_none() {
            self.selected = None;
            self.gone = true;
        }
    }

    pub(super) fn warn(&mut self, text: String) {
        self.note = Some((Tone::Care, text));
    }

    /// The row that is selected.
    pub(super) fn current(&self) -> Option<&Approval> {
        self.rows.get(self.position()?)
    }

    pub(super) fn position(&self) -> Option<usize> {
        let id = self.selected.as_ref()?;
        self.rows.iter().position(|row| row.id == *id)
    }

    /// Selects `by` rows further down, or up; the first where nothing is selected.
    pub(super) fn step(&mut self, by: isize) {
        let to = self
            .position()
            .map_or(0, |position| position.saturating_add_signed(by));
        self.select(to.min(self.rows.len().saturating_sub(1)));
    }

    /// Prepares a deed on what is selected, which then waits for a `y`.
    pub(super) fn prepare(&mut self, deed: Deed) {
        self.note = None;
        if self.sent.is_some() {
            return self.warn("the answer before is still on its way".to_owned());
        }
        let Some(row) = self.current() else {
            return self.warn("choose one first, with the arrows or j and k".to_owned());
        };
        let fits = if deed == Deed::Forget {
            row.stands()
        } else {
            row.is_open()
        };
        if !fits {
            let text = match deed {
                Deed::Forget => "only a yes that stands can be forgotten; d denies a question",
                _ => "it is answered already; f forgets that answer",
            };
            return self.warn(text.to_owned());
        }
        if deed.grants() && draw::hidden(self) > 0 {
            return self.warn("there is more to read first: page down".to_owned());
        }
        self.order = Some(Order {
            deed,
            id: row.id.clone(),
            digest: row.digest.clone(),
            subject: row.subject(),
        });
    }

    /// Sends what waits for a `y`.
    pub(super) fn confirm(&mut self) -> Option<Order> {
        let order = self.order.take()?;
        self.then = self.question_after(&order.id);
        self.sent = Some(order.clone());
        Some(order)
    }

    fn select(&mut self, position: usize) {
        let id = self.rows.get(position).map(|row| row.id.clone());
        if id != self.selected {
            self.scrolled = 0;
        }
        self.gone = false;
        self.selected = id;
    }

    /// The question below the one with this id, or the one above where there is none.
    fn question_after(&self, id: &str) -> Option<String> {
        let questions = || self.rows.iter().filter(|row| row.is_open());
        let below = questions().skip_while(|row| row.id != id).nth(1);
        let above = questions().take_while(|row| row.id != id).last();
        below.or(above).map(|row| row.id.clone())
    }

    /// Whether what an order is about is still as it was shown.
    fn still(&self, order: &Order) -> bool {
        let row = self.rows.iter().find(|row| row.id == order.id);
        row.is_some_and(|row| {
            row.digest == order.digest && row.is_open() == (order.deed != Deed::Forget)
        })
    }
}

impl Deed {
    /// Whether it gives something.
    pub(super) const fn grants(self) -> bool {
        matches!(self, Self::Once | Self::Session | Self::For(_))
    }

    /// As the broker takes it; nothing where it takes back.
    pub(super) const fn answer(self) -> Option<Answer> {
        match self {
            Self::Once => Some(Answer::Once(true)),
            Self::Session => Some(Answer::Session(true)),
            Self::For(seconds) => Some(Answer::ForSeconds(seconds)),
            Self::Deny => Some(Answer::Deny(true)),
            Self::DenyAndEnd => Some(Answer::DenyAndEnd(true)),
            Self::Forget => None,
        }
    }

    /// What a `y` would do.
    pub(super) fn intent(self) -> String {
        match self {
            Self::Once => "Grant once".to_owned(),
            Self::Session => "Grant until its session ends".to_owned(),
            Self::For(seconds) => format!("Grant for {}", span(seconds)),
            Self::Deny => "Deny".to_owned(),
            Self::DenyAndEnd => "Deny AND END THE SESSION:".to_owned(),
            Self::Forget => "Take back".to_owned(),
        }
    }

    fn done(self) -> String {
        match self {
            Self::Once => "granted once".to_owned(),
            Self::Session => "granted until its session ends".to_owned(),
            Self::For(seconds) => format!("granted for {}", span(seconds)),
            Self::Deny => "denied".to_owned(),
            Self::DenyAndEnd => "denied, and its session ended".to_owned(),
            Self::Forget => "taken back".to_owned(),
        }
    }
}
