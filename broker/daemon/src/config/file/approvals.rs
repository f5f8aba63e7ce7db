//! `[approvals]` and `[reviewer]` as they are written.

use std::{collections::BTreeSet, path::PathBuf};

use serde::Deserialize;
use valetkey_core::{SecretName, approval::ApprovalRules};

use super::Span;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Approvals {
    pub(in crate::config) expire_after: Span,
    pub(in crate::config) once_within: Span,
    pub(in crate::config) remember_max: Span,
    pub(in crate::config) remember_idle: Span,
    pub(in crate::config) refusal_holds: Span,
    pub(in crate::config) max_open: usize,
    pub(in crate::config) window: Span,
    pub(in crate::config) slow_after: usize,
    pub(in crate::config) slow_gap: Span,
    pub(in crate::config) suspend_after: usize,
    pub(in crate::config) approver_groups: BTreeSet<String>,
    pub(in crate::config) four_eyes: bool,
    /// Whether the desktop tells of questions.
    pub(in crate::config) notify: bool,
    pub(in crate::config) webhook: Option<Webhook>,
}

impl Default for Approvals {
    fn default() -> Self {
        let rules = ApprovalRules::default();
        Self {
            expire_after: Span(rules.expire_after),
            once_within: Span(rules.once_within),
            remember_max: Span(rules.remember_max),
            remember_idle: Span(rules.remember_idle),
            refusal_holds: Span(rules.refusal_holds),
            max_open: rules.max_open,
            window: Span(rules.window),
            slow_after: rules.slow_after,
            slow_gap: Span(rules.slow_gap),
            suspend_after: rules.suspend_after,
            approver_groups: rules.approver_groups,
            four_eyes: rules.four_eyes,
            notify: true,
            webhook: None,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Webhook {
    pub(in crate::config) url: String,
    /// Name of the stored secret that questions and answers are signed with.
    pub(in crate::config) secret: SecretName,
    #[serde(default = "default_deadline")]
    pub(in crate::config) deadline: Span,
    #[serde(default)]
    pub(in crate::config) may_answer: bool,
}

/// Either `command` or `url`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Reviewer {
    /// The program's absolute path and its arguments.
    pub(in crate::config) command: Option<Vec<String>>,
    pub(in crate::config) url: Option<String>,
    pub(in crate::config) model: Option<String>,
    /// Name of the stored secret that is the endpoint's bearer token.
    pub(in crate::config) key: Option<SecretName>,
    pub(in crate::config) name: Option<String>,
    #[serde(default = "default_deadline")]
    pub(in crate::config) deadline: Span,
    /// Refusals in a row after which a session is suspended; 0 for never.
    #[serde(default = "default_denials")]
    pub(in crate::config) denials: usize,
    pub(in crate::config) extra_ca: Option<PathBuf>,
}

impl Reviewer {
    /// What it is, whatever it is called: the words of the command, or URL and model.
    pub(in crate::config) fn identity(&self) -> String {
        match (&self.command, &self.url) {
            (Some(words), _) => words.join(" "),
            (None, url) => format!(
                "{}#{}",
                url.as_deref().unwrap_or_default(),
                self.model.as_deref().unwrap_or_default()
            ),
        }
    }
}

const fn default_deadline() -> Span {
    Span(30)
}

fn default_denials() -> usize {
    ApprovalRules::default().denials
}
