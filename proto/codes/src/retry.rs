//! Whether asking again can help.

/// The retry hint of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same request will get the same answer.
    Never,
    /// After the next step was taken.
    AfterNextStep,
    /// By itself, after a pause; the pause doubles each time.
    Backoff,
}

impl Retry {
    /// The hint as it stands in JSON and in documents.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::AfterNextStep => "after_next_step",
            Self::Backoff => "backoff",
        }
    }
}
