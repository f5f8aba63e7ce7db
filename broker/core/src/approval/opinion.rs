//! What an automatic reviewer said.

use serde::{Deserialize, Serialize};

/// How much harm a reviewer sees in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Routine.
    Low,
    /// Worth a look.
    Medium,
    /// Could do harm that is hard to undo.
    High,
    /// Must not pass by itself.
    Critical,
}

impl Risk {
    /// The risk as it stands in JSON and policies.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What came of asking a reviewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finding {
    /// It would grant it.
    Approve,
    /// It would not.
    Deny,
    /// A person should look.
    Escalate,
    /// It gave no answer that counts; a person looks.
    Failed,
}

impl Finding {
    /// The finding as it stands in JSON and tables.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Deny => "deny",
            Self::Escalate => "escalate",
            Self::Failed => "failed",
        }
    }
}

/// A reviewer's opinion. Evidence: the core and the policies decide what it comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opinion {
    /// What it found.
    pub finding: Finding,
    /// How risky it finds it; absent where it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// Why, cleaned for a terminal.
    pub rationale: String,
    /// Which reviewer: the configured name, and the model where it named one.
    pub reviewer: String,
}
