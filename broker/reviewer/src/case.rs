//! What a reviewer is given: one JSON object. Everything that an agent could choose freely stands in
//! its field `untrusted_agent_words`, as strings, and nowhere else.

use serde::Serialize;
use valetkey_core::{
    Approval, Event, Grant, Record,
    ports::{ReviewCase, ReviewError},
    text::printable,
};

use crate::plain;

/// The version of this object. It grows by one when a field changes its meaning or goes away.
const VERSION: u32 = 1;
/// Most of a list or a name in an earlier record that is told, in characters.
const GLIMPSE: usize = 400;

/// The object as bytes.
///
/// # Errors
/// [`ReviewError::Unavailable`] where it cannot be written.
pub(crate) fn write(case: &ReviewCase<'_>) -> Result<Vec<u8>, ReviewError> {
    let told = Told::of(case);
    plain::write(&told).map_err(|_| ReviewError::Unavailable("the case cannot be written".into()))
}

#[derive(Serialize)]
struct Told<'a> {
    version: u32,
    /// What is asked for. Every value is one that the configuration knows.
    request: Request<'a>,
    policy: PolicyView<'a>,
    session_so_far: SoFar<'a>,
    untrusted_agent_words: Words<'a>,
}

#[derive(Serialize)]
struct Request<'a> {
    approval: String,
    session: String,
    user: &'a str,
    agent: &'a str,
    credential: &'a str,
    scopes: Vec<&'a str>,
    audience: &'a str,
    lifetime_seconds: u64,
}

#[derive(Serialize)]
struct PolicyView<'a> {
    tier: &'static str,
    policies: &'a [String],
}

#[derive(Serialize)]
struct SoFar<'a> {
    refusals: usize,
    /// Whether `refusals` counts from the session's beginning.
    complete: bool,
    /// Oldest first.
    records: Vec<Line<'a>>,
}

/// One record of the ledger, without anything that an agent or a reviewer said in their own words.
#[derive(Serialize)]
struct Line<'a> {
    seconds_ago: u64,
    event: String,
    #[serde(flatten)]
    about: About<'a>,
}

#[derive(Default, Serialize)]
#[serde(default)]
struct About<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audience: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lifetime_seconds: Option<u64>,
    /// A code, a state, a verdict: a word of the broker's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
}

/// What an agent said, and a folder's name, which a stranger's repository may have given.
#[derive(Serialize)]
struct Words<'a> {
    reason: Option<&'a str>,
    workspace: Option<&'a str>,
    /// What it asked for in vain, oldest first.
    refused_requests: Vec<RefusedRequest>,
}

#[derive(Serialize)]
struct RefusedRequest {
    credential: String,
    scopes: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    audience: Option<String>,
}

impl<'a> Told<'a> {
    fn of(case: &ReviewCase<'a>) -> Self {
        let approval = case.approval;
        let asked = &approval.asked;
        Self {
            version: VERSION,
            request: Request {
                approval: approval.id.to_string(),
                session: approval.session.to_string(),
                user: &asked.user.subject,
                agent: asked.agent.as_str(),
                credential: asked.credential.as_str(),
                scopes: asked.grant.scopes.iter().collect(),
                audience: asked.grant.audience.as_str(),
                lifetime_seconds: asked.grant.lifetime,
            },
            policy: PolicyView {
                tier: asked.tier.id(),
                policies: &asked.policies,
            },
            session_so_far: SoFar {
                refusals: case.refusals,
                complete: case.complete,
                records: case.history.iter().map(|r| Line::of(r, approval)).collect(),
            },
            untrusted_agent_words: Words {
                reason: asked.reason.as_deref(),
                workspace: asked.workspace.as_deref(),
                refused_requests: case.history.iter().filter_map(refused).collect(),
            },
        }
    }
}

impl<'a> Line<'a> {
    fn of(record: &'a Record, approval: &Approval) -> Self {
        Self {
            seconds_ago: approval.at.unix_ms.saturating_sub(record.at) / 1000,
            event: tag(record),
            about: About::of(&record.event),
        }
    }
}

/// What serde calls the event.
fn tag(record: &Record) -> String {
    let value = serde_json::to_value(&record.event).ok();
    let tag = value
        .as_ref()
        .and_then(|value| value.get("event")?.as_str());
    tag.unwrap_or("unknown").to_owned()
}

impl<'a> About<'a> {
    fn of(event: &'a Event) -> Self {
        let outcome = |word: &str| Self {
            outcome: Some(word.to_owned()),
            ..Self::default()
        };
        match event {
            Event::TokenIssued { lease, .. } => {
                Self::grant(lease.credential.as_str(), &lease.grant)
            }
            Event::TokenIntended {
                credential, grant, ..
            } => Self::grant(credential.as_str(), grant),
            Event::ApprovalAsked { asked, .. } => Self {
                outcome: Some(asked.tier.id().to_owned()),
                ..Self::grant(asked.credential.as_str(), &asked.grant)
            },
            Event::ApprovalReviewed {
                opinion,
                outcome: end,
                ..
            } => outcome(&format!("{}, then {end}", opinion.finding.id())),
            Event::ApprovalAnswered { answer, .. } => outcome(answer),
            Event::ApprovalEnded { ending, .. } => outcome(ending.id()),
            Event::TokenRefused { code, .. } | Event::ApprovalDisputed { code, .. } => {
                outcome(code)
            }
            _ => Self::default(),
        }
    }

    fn grant(credential: &'a str, grant: &'a Grant) -> Self {
        Self {
            credential: Some(credential),
            scopes: Some(printable(&grant.scopes.to_string(), GLIMPSE)),
            audience: Some(grant.audience.as_str()),
            lifetime_seconds: Some(grant.lifetime),
            outcome: None,
        }
    }
}

fn refused(record: &Record) -> Option<RefusedRequest> {
    match &record.event {
        Event::TokenRefused {
            credential,
            scopes,
            audience,
            ..
        } => Some(RefusedRequest {
            credential: printable(credential, GLIMPSE),
            scopes: printable(scopes, GLIMPSE),
            audience: audience.as_deref().map(|text| printable(text, GLIMPSE)),
        }),
        _ => None,
    }
}
