//! A person answers.

use valetkey_codes::Code;

use super::{
    again::{Permitted, permitted},
    end::over,
    follow::find,
    store::store,
};
use crate::{
    AccountName, Approval, ApprovalId, Approver, Broker, Event, Moment, Record, Refusal, Session,
    User, UserId,
    approval::{Answer, Ending, State, Term},
    lifecycle,
    ports::Freshness,
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
    let logins = &broker.ports.logins;
    let mut user = logins.current(account, Freshness::Known).await?;
    let asked = find(broker, given.approval).ok();
    if asked.is_some_and(|approval| approval.asked.user != user.id) {
        let lately = Freshness::Within(broker.settings.admin_freshness);
        user = logins.current(account, lately).await?;
    }
    answer(broker, user, given).await
}

/// Answers as `user`. What was shown is what is granted: the answer names its digest. A yes asks the
/// policies once more. The first answer counts; one that does not count is recorded too.
pub async fn answer(broker: &Broker, user: User, given: Given<'_>) -> Result<Approval, Refusal> {
    let by = user.id.clone();
    let (session, answered) = match find(broker, given.approval) {
        Ok(approval) => (
            Some(approval.session),
            first(broker, &approval, user, given).await,
        ),
        Err(refusal) => (None, Err(refusal)),
    };
    match answered {
        Ok(answered) => Ok(answered),
        Err(refusal) => {
            let event = Event::ApprovalDisputed {
                approval: given.approval,
                by: Some(by),
                code: refusal.code().id().to_owned(),
                via: given.via.to_owned(),
            };
            broker
                .record_anyway(Record {
                    at: broker.now().unix_ms,
                    request: None,
                    session,
                    event,
                })
                .await;
            Err(refusal.about(given.approval))
        }
    }
}

/// The answer, given anew where the question went from the reviewer to people in between: it is the
/// same question.
async fn first(
    broker: &Broker,
    approval: &Approval,
    user: User,
    given: Given<'_>,
) -> Result<Approval, Refusal> {
    let answered = decide(broker, approval, user.clone(), given).await;
    if let Err(refusal) = &answered
        && refusal.code() == Code::ApprovalSettled
        && let Ok(now) = find(broker, given.approval)
        && now.is_open()
        && now.revision > approval.revision
    {
        return decide(broker, &now, user, given).await;
    }
    answered
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
    let who = user.id.clone();
    let by = Approver::Person { user };
    let allowed = allowed(broker, approval, &by);
    let next = match given.answer {
        // Taking away what nobody has needs no authority but one's own.
        Answer::No | Answer::NoAndEnd if who == approval.asked.user => approval.refuse(by, now)?,
        Answer::No | Answer::NoAndEnd => {
            allowed?;
            approval.refuse(by, now)?
        }
        Answer::Once | Answer::For(_) | Answer::Session => {
            session.usable(now)?;
            broker.open()?;
            let term = term(broker, &session, given.answer, now)?;
            let granted = approval.grant(by, term, now)?;
            // Before whoever answers is looked at: a rule that forbids all of it says more than that it
            // also forbids approving.
            still_permitted(broker, approval, &session).await?;
            allowed?;
            granted
        }
    };
    let event = answered(&next, who, given, now);
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

/// A question that the policies answer otherwise by now is over: nobody should believe to have granted
/// what will not be given.
async fn still_permitted(
    broker: &Broker,
    approval: &Approval,
    session: &Session,
) -> Result<(), Refusal> {
    let saying = match permitted(broker, approval, session)? {
        Permitted::AsShown => return Ok(()),
        Permitted::WithMore => {
            "the policies ask for more than that by now; it will be asked anew when the agent does"
        }
        Permitted::No => "the policies do not allow that any more",
    };
    over(broker, approval, Ending::PolicyChanged, None).await?;
    Err(Refusal::new(Code::Denied).saying(saying))
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

fn answered(next: &Approval, by: UserId, given: Given<'_>, now: Moment) -> Event {
    let seconds = match next.state {
        State::Granted {
            term: Term::Until { until, .. },
            ..
        } => Some(until.remaining_seconds(now)),
        _ => None,
    };
    Event::ApprovalAnswered {
        approval: next.id,
        digest: next.digest(),
        answer: given.answer.id().to_owned(),
        seconds,
        by,
        via: given.via.to_owned(),
    }
}
