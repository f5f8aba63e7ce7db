//! The automatic reviewer is asked.

use std::sync::Arc;

use valetkey_codes::Code;

use super::{follow::find, store::store};
use crate::{
    Approval, ApprovalId, Approver, Broker, Event, Opinion, Record, Refusal, SessionId,
    approval::{Finding, Stage, State, Term},
    lifecycle,
    ports::{ReviewCase, Reviewer},
};

/// How many of the ledger's last records are searched for what the session did.
const SEARCHED: u64 = 2000;
/// How many of them a reviewer is given at most.
const HISTORY: usize = 20;

/// Puts a question that waits for the reviewer to it. Its yes counts for one token, and only as far as
/// the policies let it approve; its no counts; anything else leaves the question to a person. A row of
/// noes holds the session.
pub async fn review(broker: &Broker, id: ApprovalId) -> Result<(), Refusal> {
    let Some(reviewer) = &broker.ports.reviewer else {
        return Ok(());
    };
    let approval = find(broker, id)?;
    if !waits_for_reviewer(&approval) {
        return Ok(());
    }
    let opinion = opinion(broker, &approval, &**reviewer).await;
    let next = conclude(broker, &approval, reviewer.name(), opinion.clone())?;
    if matches!(next.state, State::Refused { .. }) {
        // Before the refusal is stored: whoever asked for the review stops listening then.
        hold_after_a_row(broker, &next).await?;
    }
    let event = Event::ApprovalReviewed {
        approval: id,
        opinion,
        outcome: next.state.id().to_owned(),
    };
    store(broker, next, event).await
}

const fn waits_for_reviewer(approval: &Approval) -> bool {
    matches!(
        approval.state,
        State::Open {
            stage: Stage::Reviewer
        }
    )
}

async fn opinion(broker: &Broker, approval: &Approval, reviewer: &dyn Reviewer) -> Opinion {
    let (history, refusals) = history(broker, approval.session).await;
    let case = ReviewCase {
        approval,
        history: &history,
        refusals,
    };
    match reviewer.review(&case).await {
        Ok(opinion) => opinion,
        Err(error) => Opinion {
            finding: Finding::Failed,
            risk: None,
            rationale: crate::text::printable(&error.to_string(), 400),
            reviewer: reviewer.name().to_owned(),
        },
    }
}

fn conclude(
    broker: &Broker,
    approval: &Approval,
    name: &str,
    opinion: Opinion,
) -> Result<Approval, Refusal> {
    let now = broker.now();
    let by = Approver::Reviewer {
        name: name.to_owned(),
    };
    match opinion.finding {
        Finding::Approve if within_its_ceiling(broker, approval, &by, &opinion) => {
            let use_by = now.after(broker.settings.approvals.once_within);
            let granted = approval.grant(by, Term::Once { use_by }, now)?;
            Ok(granted.with(opinion))
        }
        Finding::Deny => Ok(approval.refuse(by, now)?.with(opinion)),
        Finding::Approve | Finding::Escalate | Finding::Failed => {
            Ok(approval.escalate(opinion, now)?)
        }
    }
}

/// Whether the policies let a reviewer approve this at the risk that it sees itself.
fn within_its_ceiling(
    broker: &Broker,
    approval: &Approval,
    by: &Approver,
    opinion: &Opinion,
) -> bool {
    let name = approval.asked.credential.as_str();
    let credential = broker.settings.credentials.find(name);
    let judged = approval.clone().with(opinion.clone());
    broker.open().is_ok()
        && credential
            .is_some_and(|credential| judged.may_be_answered_by(by, &credential, broker).is_ok())
}

async fn hold_after_a_row(broker: &Broker, refused: &Approval) -> Result<(), Refusal> {
    let session = refused.session;
    let known = broker
        .ports
        .sessions
        .load(session)
        .ok_or(Code::UnknownSession)?;
    let kept = broker.ports.approvals.list(Some(session));
    let mut questions: Vec<_> = kept.into_iter().map(|kept| kept.approval).collect();
    questions.push(Arc::new(refused.clone()));
    let rules = &broker.settings.approvals;
    let forgiven = known.forgiven.unwrap_or(known.started);
    if rules.row_of_denials(&questions, forgiven) {
        let why = format!("the reviewer refused {} requests in a row", rules.denials);
        lifecycle::hold(broker, session, why).await?;
    }
    Ok(())
}

/// What the session did lately, oldest first, and how often it was refused.
async fn history(broker: &Broker, session: SessionId) -> (Vec<Record>, usize) {
    let audit = &broker.ports.audit;
    let head = audit.grown_beyond(0).await;
    let read = audit.after(head.saturating_sub(SEARCHED), u32::MAX).await;
    let mut records: Vec<Record> = read
        .unwrap_or_default()
        .iter()
        .filter_map(|entry| serde_json::from_slice(&entry.record).ok())
        .filter(|record: &Record| record.session == Some(session))
        .collect();
    let refusals = records
        .iter()
        .filter(|record| matches!(record.event, Event::TokenRefused { .. }))
        .count();
    let surplus = records.len().saturating_sub(HISTORY);
    records.drain(..surplus);
    (records, refusals)
}
