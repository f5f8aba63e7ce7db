//! A person answers.

use valetkey_codes::Code;

use super::{follow::find, store::store};
use crate::{
    AccountName, Approval, ApprovalId, Approver, Broker, Event, Moment, Refusal, Session, Tier,
    User, UserId,
    approval::{Answer, Ending, Term},
    lifecycle,
    ports::{Freshness, Question},
};

/// An answer as it was given.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The question.
    pub approval: ApprovalId,
    /// The digest of what its person was shown.
    pub digest: &'a str,
    /// What they said.
    pub answer: Answer,
    /// Which way it came: `socket`, or the name of a messenger.
    pub via: &'a str,
}

/// Answers as whoever is logged in as `account`. For a question of somebody else's session the
/// identity provider must have confirmed them within the time that is set for admins.
pub async fn answer_as(
    broker: &Broker,
    account: &AccountName,
    given: Given<'_>,
) -> Result<Approval, Refusal> {
    let asker = find(broker, given.approval)?.asked.user.clone();
    let logins = &broker.ports.logins;
    let mut user = logins.current(account, Freshness::Known).await?;
    if user.id != asker {
        let lately = Freshness::Within(broker.settings.admin_freshness);
        user = logins.current(account, lately).await?;
    }
    answer(broker, user, given).await
}

/// Answers as `user`. What was shown is what is granted: the answer names its digest. A yes asks the
/// policies once more. The first answer counts; one that does not count is recorded too.
pub async fn answer(broker: &Broker, user: User, given: Given<'_>) -> Result<Approval, Refusal> {
    let approval = find(broker, given.approval)?;
    let by = user.id.clone();
    match decide(broker, &approval, user, given).await {
        Ok(answered) => Ok(answered),
        Err(refusal) => {
            let event = Event::ApprovalDisputed {
                approval: approval.id,
                by: Some(by),
                code: refusal.code().id().to_owned(),
                via: given.via.to_owned(),
            };
            broker.record_about(approval.session, event).await;
            Err(refusal.about(given.approval))
        }
    }
}

async fn decide(
    broker: &Broker,
    approval: &Approval,
    user: User,
    given: Given<'_>,
) -> Result<Approval, Refusal> {
    if given.digest != approval.digest().as_str() {
        return Err(Code::ApprovalMismatch.into());
    }
    let now = broker.now();
    let session = broker
        .ports
        .sessions
        .load(approval.session)
        .ok_or(Code::UnknownSession)?;
    let event = answered(approval, user.id.clone(), given);
    let own = user.id == approval.asked.user;
    let by = Approver::Person { user };
    let allowed = allowed(broker, approval, &by);
    let next = match given.answer {
        // Taking away what nobody has needs no authority but one's own.
        Answer::No | Answer::NoAndEnd if own => approval.refuse(by, now)?,
        Answer::No | Answer::NoAndEnd => {
            allowed?;
            approval.refuse(by, now)?
        }
        Answer::Once | Answer::For(_) | Answer::Session => {
            session.usable(now)?;
            broker.open()?;
            allowed?;
            still_permitted(broker, approval, &session, now).await?;
            let term = term(broker, &session, given.answer, now)?;
            approval.grant(by, term, now)?
        }
    };
    if given.answer == Answer::NoAndEnd {
        // The session takes its questions along. Ended first: whoever stops listening in between has
        // taken away all the same.
        lifecycle::end(broker, session.id).await?;
        broker.record_about(approval.session, event).await;
    } else {
        store(broker, next.clone(), event).await?;
    }
    Ok(next)
}

fn allowed(broker: &Broker, approval: &Approval, by: &Approver) -> Result<(), Refusal> {
    let credentials = &broker.settings.credentials;
    let credential = credentials
        .find(approval.asked.credential.as_str())
        .ok_or(Code::UnknownCredential)?;
    approval.may_be_answered_by(by, &credential, broker)
}

/// A question that the policies have denied meanwhile is over: nobody should believe to have granted it.
async fn still_permitted(
    broker: &Broker,
    approval: &Approval,
    session: &Session,
    now: Moment,
) -> Result<(), Refusal> {
    let credentials = &broker.settings.credentials;
    let credential = credentials
        .find(approval.asked.credential.as_str())
        .ok_or(Code::UnknownCredential)?;
    let grant = &approval.asked.grant;
    let verdict = broker.ports.policy.decide(&Question {
        session,
        credential: &credential,
        scopes: &grant.scopes,
        audience: &grant.audience,
        lifetime: grant.lifetime,
    });
    if verdict.is_ok_and(|verdict| verdict.tier != Tier::Deny) {
        return Ok(());
    }
    if let Some(over) = approval.end(Ending::PolicyChanged, now) {
        let event = Event::ApprovalEnded {
            approval: approval.id,
            ending: Ending::PolicyChanged,
            by: None,
        };
        store(broker, over, event).await?;
    }
    Err(Refusal::new(Code::Denied).saying("the policies do not allow that any more"))
}

/// How far the answer reaches: never beyond the session, nor beyond what the configuration lets anybody
/// remember.
fn term(broker: &Broker, session: &Session, answer: Answer, now: Moment) -> Result<Term, Refusal> {
    let rules = &broker.settings.approvals;
    let left = session.deadline.remaining_seconds(now);
    let seconds = match answer {
        Answer::For(0) => {
            return Err(
                Refusal::new(Code::InvalidRequest).saying("an answer lasts 1 second at least")
            );
        }
        Answer::For(seconds) => seconds,
        Answer::Session => left,
        Answer::Once | Answer::No | Answer::NoAndEnd => {
            let use_by = now.after(rules.once_within.min(left));
            return Ok(Term::Once { use_by });
        }
    };
    Ok(Term::Until {
        until: now.after(seconds.min(rules.remember_max).min(left)),
        idle: rules.remember_idle,
    })
}

fn answered(approval: &Approval, by: UserId, given: Given<'_>) -> Event {
    let seconds = match given.answer {
        Answer::For(seconds) => Some(seconds),
        _ => None,
    };
    Event::ApprovalAnswered {
        approval: approval.id,
        digest: approval.digest(),
        answer: given.answer.id().to_owned(),
        seconds,
        by,
        via: given.via.to_owned(),
    }
}
