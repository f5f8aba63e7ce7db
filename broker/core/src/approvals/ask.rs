//! A question is put.

use valetkey_codes::Code;

use super::{end::over, follow::find, store::attempt};
use crate::{
    Approval, ApprovalId, Broker, Event, Refusal, Tier,
    approval::{Conduct, Ending, Finding, Stage, State},
    flow::ledger_refusal,
    lifecycle,
    ports::{ApprovalError, Kept},
    request::Pending,
};

/// Puts the question, or joins one that is open and covers it; gives back the refusal that tells how it
/// stands. Ten equal requests make one question, and one that was refused is not put again for a while.
pub(super) async fn ask(broker: &Broker, pending: &Pending) -> Result<Refusal, Refusal> {
    let session = pending.session();
    let now = broker.now();
    let kept = broker.ports.approvals.list(Some(session.id));
    if let Some(refused) = refused(broker, pending, &kept) {
        return Ok(Refusal::new(Code::ApprovalRefused).about(refused));
    }
    if let Some(open) = open(pending, &kept) {
        if !open.expires.passed(now) {
            return Ok(joined(open.id));
        }
        // Time has ended it, and nobody has said so yet: it would stand in the way of the new one.
        match over(broker, open, Ending::Expired, None).await {
            Err(refusal) if refusal.code() != Code::ApprovalSettled => return Err(refusal),
            _ => {}
        }
    }
    let questions: Vec<_> = kept.into_iter().map(|kept| kept.approval).collect();
    let forgiven = session.forgiven.unwrap_or(session.started);
    let rules = &broker.settings.approvals;
    match rules.may_ask(&questions, forgiven, now) {
        Conduct::Fine => {}
        Conduct::Slow => return slowed(broker, pending).await,
        Conduct::Enough { asked, seconds } => {
            let why = format!("it asked for {asked} approvals within {seconds} s");
            lifecycle::hold(broker, session.id, why).await?;
            return Ok(Code::SessionHeld.into());
        }
    }
    put(broker, pending).await
}

/// Notes that the session asked although it was to wait: who goes on is held in the end.
async fn slowed(broker: &Broker, pending: &Pending) -> Result<Refusal, Refusal> {
    let asked = new(broker, pending);
    let event = Event::ApprovalEnded {
        approval: asked.id,
        ending: Ending::NotPut,
        by: None,
    };
    let over = Approval {
        state: State::Over {
            ending: Ending::NotPut,
            at: asked.at,
        },
        ..asked
    };
    match attempt(broker, Some(pending.request()), over, event).await? {
        Err(ApprovalError::Ledger(error)) => Err(ledger_refusal(&error)),
        _ => Ok(Code::TooManyQuestions.into()),
    }
}

fn new(broker: &Broker, pending: &Pending) -> Approval {
    let now = broker.now();
    let id = ApprovalId::new(now, &*broker.ports.entropy);
    let asked = pending.asked();
    let reviewed = asked.tier == Tier::Review
        && broker.ports.reviewer.is_some()
        && !left_to_people(broker, pending);
    let stage = if reviewed {
        Stage::Reviewer
    } else {
        Stage::Person
    };
    let left = pending.session().deadline.remaining_seconds(now);
    let expires = now.after(broker.settings.approvals.expire_after.min(left));
    Approval::new(id, pending.session().id, asked, stage, now, expires)
}

async fn put(broker: &Broker, pending: &Pending) -> Result<Refusal, Refusal> {
    let approval = new(broker, pending);
    let id = approval.id;
    let event = Event::ApprovalAsked {
        approval: id,
        digest: approval.digest(),
        asked: approval.asked.clone(),
        expires: approval.expires.unix_ms,
    };
    match attempt(broker, Some(pending.request()), approval, event).await? {
        Ok(()) if too_many(broker, pending, id) => {
            let new = find(broker, id)?;
            over(broker, &new, Ending::NotPut, None).await?;
            Ok(Code::TooManyQuestions.into())
        }
        Ok(()) => Ok(Refusal::new(Code::ApprovalPending).about(id).recorded()),
        Err(ApprovalError::Conflict(open)) => Ok(joined(open.id)),
        Err(ApprovalError::Ledger(error)) => Err(ledger_refusal(&error)),
        Err(ApprovalError::Unknown) => Err(Code::SessionEnded.into()),
    }
}

/// Whether others that were put at the same moment leave no room for this one. All of them may find so.
fn too_many(broker: &Broker, pending: &Pending, id: ApprovalId) -> bool {
    let kept = broker.ports.approvals.list(Some(pending.session().id));
    let others = kept.iter().map(|kept| &kept.approval);
    let others = others.filter(|approval| approval.is_open() && approval.id != id);
    others.count() >= broker.settings.approvals.max_open
}

/// Whether a reviewer was asked about the same or less lately and did not grant it, or has not answered
/// yet. Who asks again with other words, or for a second more, does not get another throw.
fn left_to_people(broker: &Broker, pending: &Pending) -> bool {
    let now = broker.now();
    let holds = broker.settings.approvals.refusal_holds;
    let kept = broker.ports.approvals.list(Some(pending.session().id));
    let mut asked = kept.iter().map(|kept| &kept.approval);
    asked.any(|approval| {
        approval.asked.tier == Tier::Review
            && !approval.at.after(holds).passed(now)
            && same_or_less(approval, pending)
            && not_granted_by_reviewer(approval)
    })
}

fn not_granted_by_reviewer(approval: &Approval) -> bool {
    let finding = approval.opinion.as_ref().map(|opinion| opinion.finding);
    match (&approval.state, finding) {
        (_, Some(Finding::Deny | Finding::Escalate | Finding::Failed)) => true,
        (State::Open { .. }, _) => true,
        (State::Over { ending, .. }, _) => matches!(
            ending,
            Ending::Withdrawn | Ending::Expired | Ending::PolicyChanged
        ),
        (State::Granted { .. } | State::Refused { .. }, _) => false,
    }
}

/// Whether what was asked is in what is asked now, whatever its life.
fn same_or_less(approval: &Approval, pending: &Pending) -> bool {
    let (shown, grant) = (&approval.asked, pending.grant());
    shown.credential == pending.credential().name
        && shown.grant.audience == grant.audience
        && shown.grant.scopes.within(&grant.scopes)
}

fn joined(open: ApprovalId) -> Refusal {
    let refusal = Refusal::new(Code::ApprovalPending).about(open);
    refusal.because("a question that is open covers it")
}

fn open<'a>(pending: &Pending, kept: &'a [Kept]) -> Option<&'a Approval> {
    let mut approvals = kept.iter().map(|kept| &*kept.approval);
    approvals.find(|approval| {
        approval.is_open() && approval.covers(pending.credential(), pending.grant(), pending.tier())
    })
}

/// A no that still stands, to the same or to less. A life that is a second shorter is not another
/// question.
fn refused(broker: &Broker, pending: &Pending, kept: &[Kept]) -> Option<ApprovalId> {
    let (now, holds) = (broker.now(), broker.settings.approvals.refusal_holds);
    let standing = kept.iter().map(|kept| &kept.approval).find(|approval| {
        matches!(&approval.state, State::Refused { at, .. } if !at.after(holds).passed(now))
            && same_or_less(approval, pending)
    });
    standing.map(|approval| approval.id)
}
