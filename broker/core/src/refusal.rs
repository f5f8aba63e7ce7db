//! A no, for two audiences: whoever asked reads the code, a sentence and a next step; log and ledger
//! also read why.

use valetkey_codes::Code;

use crate::{ApprovalId, RequestId, text::printable};

/// Longest message or detail, in characters.
const LIMIT: usize = 400;

/// What is said beside the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Words {
    message: Option<Box<str>>,
    next_step: Option<Box<str>>,
    detail: Option<Box<str>>,
}

/// Why a request ends without what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    code: Code,
    words: Option<Box<Words>>,
    approval: Option<ApprovalId>,
    request: Option<RequestId>,
    on_record: bool,
}

impl Refusal {
    /// A refusal with the table's own sentence.
    pub const fn new(code: Code) -> Self {
        Self {
            code,
            words: None,
            approval: None,
            request: None,
            on_record: false,
        }
    }

    /// The same with a sentence of its own for whoever asked.
    #[must_use]
    pub fn saying(self, message: impl AsRef<str>) -> Self {
        self.with(|words| &mut words.message, message.as_ref())
    }

    /// The same with a next step that fits better than the table's.
    #[must_use]
    pub fn advising(self, next_step: impl AsRef<str>) -> Self {
        self.with(|words| &mut words.next_step, next_step.as_ref())
    }

    /// The same with a reason that only log and ledger see.
    #[must_use]
    pub fn because(self, detail: impl AsRef<str>) -> Self {
        self.with(|words| &mut words.detail, detail.as_ref())
    }

    fn with(mut self, which: fn(&mut Words) -> &mut Option<Box<str>>, text: &str) -> Self {
        let words = self.words.get_or_insert_default();
        *which(words) = Some(printable(text, LIMIT).into());
        self
    }

    /// The same, about an approval.
    #[must_use]
    pub fn about(self, approval: ApprovalId) -> Self {
        Self {
            approval: Some(approval),
            ..self
        }
    }

    /// The same, of a request that its door does not name by itself.
    #[must_use]
    pub(crate) fn of(self, request: RequestId) -> Self {
        Self {
            request: Some(request),
            ..self
        }
    }

    /// The same, recorded already by whatever led to it.
    #[must_use]
    pub(crate) fn recorded(self) -> Self {
        Self {
            on_record: true,
            ..self
        }
    }

    pub(crate) const fn is_on_record(&self) -> bool {
        self.on_record
    }

    /// The request that was refused, where its door does not name it by itself.
    pub const fn request(&self) -> Option<RequestId> {
        self.request
    }

    /// The approval that it is about.
    pub const fn approval(&self) -> Option<ApprovalId> {
        self.approval
    }

    /// The code.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// What whoever asked may read.
    pub fn message(&self) -> &str {
        self.said(|words| words.message.as_deref())
            .unwrap_or(self.code.row().text)
    }

    /// What whoever asked may do about it.
    pub fn next_step(&self) -> &str {
        self.said(|words| words.next_step.as_deref())
            .unwrap_or(self.code.row().next_step)
    }

    /// What only log and ledger read.
    pub fn detail(&self) -> Option<&str> {
        self.said(|words| words.detail.as_deref())
    }

    fn said(&self, which: fn(&Words) -> Option<&str>) -> Option<&str> {
        self.words.as_deref().and_then(which)
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}
