//! The automatic reviewer is asked.

use std::{collections::VecDeque, sync::Arc};

use valetkey_codes::Code;

use super::{
    again::{Permitted, permitted},
    follow::find,
    store::store,
};
use crate::{
    Approval, ApprovalId, Approver, Broker, Event, Opinion, Record, Refusal, Session,
    approval::{Finding, Stage, State, Term},
    lifecycle,
    ports::{ReviewCase, Reviewer},
    text::printable,
};

/// How many of the ledger's last records are searched at most for what the session did.
const SEARCHED: u64 = 50_000;
/// How many of them at once.
const PAGE: u64 = 2000;
/// How many of them a reviewer is given at most.
const HISTORY: usize = 20;
/// Longest rationale that is kept, in characters.
const RATIONALE: usize = 1000;
/// Longest name of a reviewer and its model that is kept, in characters.
const NAME: usize = 200;

/// Puts a question that waits for the reviewer to it. Its yes counts for one token, and only as far as
/// the policies let it approve; its no counts; anything else, and the lack of a reviewer, leaves the
/// question to a person. A row of noes holds the session. Every verdict is recorded, one that comes too
/// late included.
pub async fn review(broker: &Broker, id: ApprovalId) -> Result<(), Refusal> {
    let approval = find(broker, id)?;
    if !waits_for_reviewer(&approval) {
        return Ok(());
    }
    let opinion = match &broker.ports.reviewer {
        Some(reviewer) => opinion(broker, &approval, &**reviewer).await,
        None => failed("none", "no reviewer is configured any more"),
    };
    let stored = conclude(broker, &approval, opinion.clone()).await;
    if stored.is_err() {
        let outcome = "none".to_owned();
        let event = reviewed(id, opinion, outcome);
        broker.record_about(approval.session, event).await;
    }
    stored
}

/// Leaves a question to people that the reviewer has no time for.
pub async fn leave_to_people(broker: &Broker, id: ApprovalId, why: &str) -> Result<(), Refusal> {
    let approval = find(broker, id)?;
    if !waits_for_reviewer(&approval) {
        return Ok(());
    }
    let name = broker.ports.reviewer.as_ref();
    let name = name.map_or("none", |reviewer| reviewer.name());
    conclude(broker, &approval, failed(name, why)).await
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
    let Some(session) = broker.ports.sessions.load(approval.session) else {
        return failed(reviewer.name(), "the session is over");
    };
    let (history, refusals, complete) = history(broker, &session).await;
    let case = ReviewCase {
        approval,
        history: &history,
        refusals,
        complete,
    };
    match reviewer.review(&case).await {
        Ok(opinion) => Opinion {
            rationale: printable(&opinion.rationale, RATIONALE),
            reviewer: printable(&opinion.reviewer, NAME),
            ..opinion
        },
        Err(error) => failed(reviewer.name(), &error.to_string()),
    }
}

fn failed(reviewer: &str, why: &str) -> Opinion {
    Opinion {
        finding: Finding::Failed,
        risk: None,
        rationale: printable(why, RATIONALE),
        reviewer: printable(reviewer, NAME),
    }
}

async fn conclude(broker: &Broker, approval: &Approval, opinion: Opinion) -> Result<(), Refusal> {
    let next = next(broker, approval, opinion.clone())?;
    if matches!(next.state, State::Refused { .. }) {
        // Before the refusal is stored: whoever asked for the review stops listening then.
        hold_after_a_row(broker, approval, &next).await?;
    }
    let event = reviewed(approval.id, opinion, next.state.id().to_owned());
    store(broker, next, event).await
}

const fn reviewed(approval: ApprovalId, opinion: Opinion, outcome: String) -> Event {
    Event::ApprovalReviewed {
        approval,
        opinion,
        outcome,
    }
}

fn next(broker: &Broker, approval: &Approval, opinion: Opinion) -> Result<Approval, Refusal> {
    let now = broker.now();
    let name = broker.ports.reviewer.as_ref();
    let by = Approver::Reviewer {
        name: name.map_or_else(String::new, |reviewer| reviewer.name().to_owned()),
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

/// Whether the policies let a reviewer approve this at the risk that it sees itself; one that sees none
/// has not looked.
fn within_its_ceiling(
    broker: &Broker,
    approval: &Approval,
    by: &Approver,
    opinion: &Opinion,
) -> bool {
    let name = approval.asked.credential.as_str();
    let session = broker.ports.sessions.load(approval.session);
    let (Some(credential), Some(session)) = (broker.settings.credentials.find(name), session)
    else {
        return false;
    };
    let judged = approval.clone().with(opinion.clone());
    opinion.risk.is_some()
        && broker.open().is_ok()
        && session.usable(broker.now()).is_ok()
        && judged.may_be_answered_by(by, &credential, broker).is_ok()
        && permitted(broker, approval, &session).is_ok_and(|now| now == Permitted::AsShown)
}

async fn hold_after_a_row(
    broker: &Broker,
    asked: &Approval,
    refused: &Approval,
) -> Result<(), Refusal> {
    let session = refused.session;
    let known = broker
        .ports
        .sessions
        .load(session)
        .ok_or(Code::UnknownSession)?;
    let kept = broker.ports.approvals.list(Some(session));
    let mut questions: Vec<_> = kept.into_iter().map(|kept| kept.approval).collect();
    if !questions.iter().any(|question| **question == *asked) {
        // Somebody else has settled it: this no does not count.
        return Err(Refusal::new(Code::ApprovalSettled).about(asked.id));
    }
    questions.push(Arc::new(refused.clone()));
    let rules = &broker.settings.approvals;
    let forgiven = known.forgiven.unwrap_or(known.started);
    if rules.row_of_denials(&questions, forgiven) {
        let why = format!("the reviewer refused {} requests in a row", rules.denials);
        lifecycle::hold(broker, session, why).await?;
    }
    Ok(())
}

/// What the session did lately, oldest first, how often it was refused, and whether that is all of it:
/// the ledger is read backwards until the session began, as far as [`SEARCHED`].
async fn history(broker: &Broker, session: &Session) -> (Vec<Record>, usize, bool) {
    let audit = &broker.ports.audit;
    let head = audit.grown_beyond(0).await;
    let (mut to, mut lately, mut refusals, mut complete) = (head, VecDeque::new(), 0, false);
    while to > 0 && head - to < SEARCHED && !complete {
        let from = to.saturating_sub(PAGE);
        let read = audit
            .after(from, u32::try_from(to - from).unwrap_or(u32::MAX))
            .await;
        let entries = read.unwrap_or_default();
        let records = entries.iter().rev();
        for record in records.filter_map(|entry| serde_json::from_slice(&entry.record).ok()) {
            let record: Record = record;
            complete |= record.at < session.started.unix_ms;
            if record.session == Some(session.id) {
                refusals += usize::from(is_refusal(&record));
                if lately.len() < HISTORY {
                    lately.push_front(record);
                }
            }
        }
        to = from;
    }
    (lately.into(), refusals, complete || to == 0)
}

/// Whether a request was refused for good: one that waits was not.
fn is_refusal(record: &Record) -> bool {
    let pending = Code::ApprovalPending.id();
    matches!(&record.event, Event::TokenRefused { code, .. } if code != pending)
}
