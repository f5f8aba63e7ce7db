//! What a webhook is told: one JSON object, with everything that a person should see before they answer.

use serde::Serialize;
use valetkey_core::{Approval, UserId};

/// What tells a question from an answer.
const TYPE: &str = "approval.asked";

#[derive(Serialize)]
struct Question<'a> {
    r#type: &'static str,
    /// These three come back in the answer.
    approval: String,
    digest: String,
    nonce: &'a str,
    /// Whether an answer counts.
    may_answer: bool,
    /// Until when: seconds since the Unix epoch.
    expires: u64,
    session: String,
    user: &'a UserId,
    display: &'a str,
    agent: &'a str,
    credential: &'a str,
    scopes: Vec<&'a str>,
    audience: &'a str,
    lifetime_seconds: u64,
    tier: &'static str,
    policies: &'a [String],
    reviewer: Option<Reviewer<'a>>,
    untrusted: Untrusted<'a>,
}

#[derive(Serialize)]
struct Reviewer<'a> {
    name: &'a str,
    finding: &'static str,
    risk: Option<&'static str>,
    rationale: &'a str,
}

/// What an agent, or somebody whose files it works on, chose. To be shown as a quotation if at all.
#[derive(Serialize)]
struct Untrusted<'a> {
    reason: Option<&'a str>,
    workspace: Option<&'a str>,
}

/// The question as bytes.
///
/// # Errors
/// Only for maps whose keys are not strings, and there is none.
pub(crate) fn write(
    approval: &Approval,
    nonce: &str,
    may_answer: bool,
) -> serde_json::Result<Vec<u8>> {
    let asked = &approval.asked;
    serde_json::to_vec(&Question {
        r#type: TYPE,
        approval: approval.id.to_string(),
        digest: approval.digest().to_string(),
        nonce,
        may_answer,
        expires: approval.expires.unix_ms / 1000,
        session: approval.session.to_string(),
        user: &asked.user,
        display: &asked.display,
        agent: asked.agent.as_str(),
        credential: asked.credential.as_str(),
        scopes: asked.grant.scopes.iter().collect(),
        audience: asked.grant.audience.as_str(),
        lifetime_seconds: asked.grant.lifetime,
        tier: asked.tier.id(),
        policies: &asked.policies,
        reviewer: approval.opinion.as_ref().map(|opinion| Reviewer {
            name: &opinion.reviewer,
            finding: opinion.finding.id(),
            risk: opinion.risk.map(valetkey_core::Risk::id),
            rationale: &opinion.rationale,
        }),
        untrusted: Untrusted {
            reason: asked.reason.as_deref(),
            workspace: asked.workspace.as_deref(),
        },
    })
}
