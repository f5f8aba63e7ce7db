//! Contract of the approvals, one function per promise.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a suite panics where a promise is broken"
)]

use std::sync::Arc;

use futures_util::future::{FutureExt as _, join, join_all};
use valetkey_core::{
    Approval, ApprovalId, Approver, Audience, CredentialName, Event, Grant, Moment, Record,
    ScopeSet, Session, Tier,
    approval::{Asked, Ending, Stage, Term},
    ports::{ApprovalError, Approvals, Clock as _, LedgerError},
    record::SealedRecord,
};

use super::{
    ledger::{Books, token, token_by},
    sessions::{change, session},
};
use crate::MovableClock;

/// What the suite works on: nothing was asked yet.
pub struct Subject {
    /// Questions and answers.
    pub approvals: Arc<dyn Approvals>,
    /// The ledger and the sessions whose changes are in the same order.
    pub books: Books,
}

/// Every promise that does not need a broken disk.
pub async fn all(make: impl AsyncFn() -> Subject) {
    what_was_asked_is_listed(&make().await).await;
    a_change_and_its_record_are_one_step(&make().await).await;
    lists_are_oldest_first_and_of_whom_they_say(&make().await).await;
    a_change_follows_the_one_before(&make().await).await;
    of_many_answers_at_once_one_is_stored(&make().await).await;
    of_many_equal_questions_at_once_one_is_stored(&make().await).await;
    a_question_within_an_open_one_is_not_stored(&make().await).await;
    a_question_within_an_answered_one_is_stored(&make().await).await;
    what_nobody_asked_is_unknown(&make().await).await;
    nothing_outlives_its_session(&make().await).await;
    a_suspended_session_keeps_its_questions(&make().await).await;
    no_token_comes_behind_the_end_of_its_approval(&make().await).await;
    a_use_is_noted(&make().await).await;
    whoever_waits_hears_of_every_change(&make().await).await;
}

async fn what_was_asked_is_listed(subject: &Subject) {
    let asked = put(subject, question(1, &begun(subject, 1).await)).await;
    let kept = subject.approvals.list(Some(asked.session));
    let listed: Vec<_> = kept.iter().map(|kept| &*kept.approval).collect();
    assert_eq!(listed, [&asked]);
    let given = step(subject, yes(&asked)).await;
    assert_eq!(ids(subject, None), [given.id]);
    assert_eq!(now(subject, &given), given);
}

async fn a_change_and_its_record_are_one_step(subject: &Subject) {
    let asked = question(1, &begun(subject, 1).await);
    for (place, next) in [(2, asked.clone()), (3, yes(&asked))] {
        let record = told(&next);
        let promised = record.bytes().to_vec();
        subject.approvals.save(next, record).await.unwrap();
        let entries = subject.books.audit.after(place - 1, 10).await.unwrap();
        let stored: Vec<_> = entries.into_iter().map(|entry| entry.record).collect();
        assert_eq!(stored, [promised]);
    }
}

async fn lists_are_oldest_first_and_of_whom_they_say(subject: &Subject) {
    let (mine, other) = (begun(subject, 1).await, begun(subject, 2).await);
    for (n, session) in [(3, &mine), (1, &mine), (2, &other)] {
        let mut asked = question(n, session);
        asked.asked.grant.audience = Audience::parse(&format!("urn:{n}")).unwrap();
        put(subject, asked).await;
    }
    assert_eq!(ids(subject, Some(&mine)), [id(1), id(3)]);
    assert_eq!(ids(subject, Some(&other)), [id(2)]);
    assert_eq!(ids(subject, None), [id(1), id(2), id(3)]);
    assert!(ids(subject, Some(&session(3))).is_empty());
}

async fn a_change_follows_the_one_before(subject: &Subject) {
    let asked = put(subject, question(1, &begun(subject, 1).await)).await;
    let given = step(subject, yes(&asked)).await;
    let skips = Approval {
        revision: 4,
        ..no(&asked)
    };
    for late in [asked.clone(), no(&asked), skips] {
        assert_eq!(refused(subject, late).await, conflict(&given));
    }
    let used = step(subject, given.end(Ending::Used, at()).unwrap()).await;
    let again = given.end(Ending::Used, at()).unwrap();
    assert_eq!(refused(subject, again).await, conflict(&used));
    assert_eq!(now(subject, &asked), used);
    // Its session's beginning and three changes: what is refused leaves no record.
    assert_eq!(subject.books.audit.after(0, 10).await.unwrap().len(), 4);
}

async fn of_many_answers_at_once_one_is_stored(subject: &Subject) {
    let asked = put(subject, question(1, &begun(subject, 1).await)).await;
    let answers: Vec<_> = (0..20)
        .map(|n| if n % 2 == 0 { yes(&asked) } else { no(&asked) })
        .collect();
    let race = answers.iter().map(|answer| try_step(subject, answer));
    let outcomes = join_all(race).await;
    let won: Vec<_> = (outcomes.iter().zip(&answers))
        .filter_map(|(outcome, answer)| outcome.is_ok().then_some(answer))
        .collect();
    let [winner] = won.as_slice() else {
        panic!("{} answers were stored", won.len());
    };
    for outcome in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(outcome, conflict(winner));
    }
    assert_eq!(now(subject, &asked), **winner);
    assert_eq!(subject.books.audit.after(0, 50).await.unwrap().len(), 3);
}

async fn of_many_equal_questions_at_once_one_is_stored(subject: &Subject) {
    let session = begun(subject, 1).await;
    let questions: Vec<_> = (1..=20).map(|n| question(n, &session)).collect();
    let race = questions.iter().map(|asked| try_step(subject, asked));
    let outcomes = join_all(race).await;
    let stored = subject.approvals.list(Some(session.id));
    assert_eq!(stored.len(), 1, "questions were stored");
    let one = &stored.first().unwrap().approval;
    for (outcome, asked) in outcomes.into_iter().zip(&questions) {
        match outcome {
            Ok(()) => assert_eq!(asked, &**one),
            Err(error) => assert_eq!(error, conflict(one)),
        }
    }
    assert_eq!(subject.books.audit.after(0, 50).await.unwrap().len(), 2);
}

async fn a_question_within_an_open_one_is_not_stored(subject: &Subject) {
    let session = begun(subject, 1).await;
    let mut wide = question(1, &session);
    wide.asked.grant.scopes = ScopeSet::parse(["orders:read orders:write"]).unwrap();
    let wide = put(subject, wide).await;
    let of = |n, edit: fn(&mut Asked)| {
        let mut asked = wide.clone();
        asked.id = id(n);
        edit(&mut asked.asked);
        asked
    };
    let within: [fn(&mut Asked); 4] = [
        |_| {},
        |asked| asked.grant.scopes = ScopeSet::parse(["orders:read"]).unwrap(),
        |asked| asked.grant.lifetime -= 1,
        |asked| asked.tier = Tier::Review,
    ];
    for (n, edit) in (10..).zip(within) {
        assert_eq!(refused(subject, of(n, edit)).await, conflict(&wide), "{n}");
    }
    let another = begun(subject, 2).await;
    put(subject, question(20, &another)).await;
    // Each asks for more than all before it, so that none of them covers it.
    let beyond: [fn(&mut Asked); 4] = [
        |asked| asked.credential = CredentialName::parse("stock").unwrap(),
        |asked| asked.grant.audience = Audience::parse("https://other.example.test").unwrap(),
        |asked| asked.grant.scopes = ScopeSet::parse(["orders:delete"]).unwrap(),
        |asked| asked.grant.lifetime += 1,
    ];
    for (n, edit) in (30..).zip(beyond) {
        put(subject, of(n, edit)).await;
    }
    // A reviewer's question does not stand for a person's.
    let reviewed = begun(subject, 3).await;
    let mut by_reviewer = question(40, &reviewed);
    by_reviewer.asked.tier = Tier::Review;
    put(subject, by_reviewer).await;
    put(subject, question(41, &reviewed)).await;
}

async fn a_question_within_an_answered_one_is_stored(subject: &Subject) {
    let session = begun(subject, 1).await;
    let asked = put(subject, question(1, &session)).await;
    step(subject, no(&asked)).await;
    let again = put(subject, question(2, &session)).await;
    step(subject, again.end(Ending::Withdrawn, at()).unwrap()).await;
    put(subject, question(3, &session)).await;
    assert_eq!(ids(subject, Some(&session)), [id(1), id(2), id(3)]);
}

async fn what_nobody_asked_is_unknown(subject: &Subject) {
    let asked = question(1, &begun(subject, 1).await);
    let answer = yes(&asked);
    assert_eq!(refused(subject, answer).await, ApprovalError::Unknown);
    // Nor is it known to another session.
    let asked = put(subject, asked).await;
    let stolen = Approval {
        session: begun(subject, 2).await.id,
        ..yes(&asked)
    };
    assert_eq!(refused(subject, stolen).await, ApprovalError::Unknown);
    assert_eq!(now(subject, &asked), asked);
}

async fn nothing_outlives_its_session(subject: &Subject) {
    let gone = ApprovalError::Ledger(LedgerError::SessionGone);
    let never = question(1, &session(9));
    assert_eq!(refused(subject, never).await, gone);

    let (mine, other) = (begun(subject, 1).await, begun(subject, 2).await);
    let asked = put(subject, question(1, &mine)).await;
    let mut more = question(2, &mine);
    more.asked.grant.lifetime += 1;
    let given = step(subject, yes(&put(subject, more).await)).await;
    let kept = put(subject, question(3, &other)).await;
    let ended = mine.end().unwrap();
    let record = change(&ended);
    subject.books.sessions.save(ended, record).await.unwrap();

    assert!(ids(subject, Some(&mine)).is_empty());
    assert_eq!(ids(subject, None), [kept.id]);
    for late in [
        yes(&asked),
        given.end(Ending::Used, at()).unwrap(),
        question(4, &mine),
    ] {
        assert_eq!(refused(subject, late).await, gone);
    }
    assert_eq!(ids(subject, None), [kept.id]);
}

async fn a_suspended_session_keeps_its_questions(subject: &Subject) {
    let mine = begun(subject, 1).await;
    let asked = put(subject, question(1, &mine)).await;
    let suspended = mine.suspend("login ended".into()).unwrap();
    let record = change(&suspended);
    subject
        .books
        .sessions
        .save(suspended, record)
        .await
        .unwrap();
    assert_eq!(ids(subject, Some(&mine)), [asked.id]);
    step(subject, no(&asked)).await;
}

/// No token's record is stored after the record that took its approval back.
async fn no_token_comes_behind_the_end_of_its_approval(subject: &Subject) {
    let session = begun(subject, 1).await;
    let mut more = question(2, &session);
    more.asked.grant.lifetime += 1;
    let mut remembered = Vec::new();
    for asked in [question(1, &session), more] {
        let asked = put(subject, asked).await;
        remembered.push(step(subject, yes_for_a_while(&asked)).await);
    }
    let [forgotten, kept] = remembered.as_slice() else {
        panic!("two were answered");
    };
    let ledger = &subject.books.ledger;
    let of = |n, approval| ledger.record(token_by(session.id, n, 60, Some(approval)));
    of(1, forgotten.id).await.unwrap();

    let back = forgotten.end(Ending::TakenBack, at()).unwrap();
    let race = join_all((10..40).map(|n| of(n, forgotten.id)));
    let (taken, outcomes) = join(try_step(subject, &back), race).await;
    taken.unwrap();
    let place = place_of(subject, told(&back).bytes()).await;
    for receipt in outcomes.into_iter().flatten() {
        assert!(receipt.sequence() < place, "behind {place}: {receipt:?}");
    }
    let refused = of(40, forgotten.id).await;
    assert_eq!(refused.unwrap_err(), LedgerError::SessionGone);

    // Another answer, none, and one that is spent before its token is recorded.
    of(41, kept.id).await.unwrap();
    ledger.record(token(session.id, 42, 60)).await.unwrap();
    let used = step(subject, kept.end(Ending::Used, at()).unwrap()).await;
    of(43, used.id).await.unwrap();
}

async fn a_use_is_noted(subject: &Subject) {
    let asked = put(subject, question(1, &begun(subject, 1).await)).await;
    let later = |ms| Moment {
        unix_ms: at().unix_ms + ms,
        boot_us: at().boot_us + ms * 1000,
        ..at()
    };
    let used = || {
        let kept = subject.approvals.list(Some(asked.session));
        kept.first().unwrap().used
    };
    let given = asked.grant(reviewer(), remembered(), later(5)).unwrap();
    step(subject, given).await;
    assert_eq!(used(), later(5), "it counts from its beginning");
    for ms in [1000, 2000] {
        subject.approvals.touch(asked.id, later(ms));
        assert_eq!(used(), later(ms));
    }
    // Of what is not there nothing is noted.
    subject.approvals.touch(id(7), later(3000));
    assert_eq!(used(), later(2000));
}

async fn whoever_waits_hears_of_every_change(subject: &Subject) {
    let approvals = &subject.approvals;
    let mine = begun(subject, 1).await;
    let mut seen = approvals.changed(0).await;
    assert!(seen > 0, "whoever begins to listen is answered at once");

    let asked = question(1, &mine);
    let given = yes(&asked);
    let over = given.end(Ending::Lapsed, at()).unwrap();
    for next in [asked, given, over] {
        assert_eq!(approvals.changed(seen).now_or_never(), None);
        let wait = async {
            let grown = approvals.changed(seen).await;
            assert_eq!(now(subject, &next), next, "it is shown before it is told");
            grown
        };
        let (grown, stored) = join(wait, try_step(subject, &next)).await;
        stored.unwrap();
        assert!(grown > seen);
        seen = approvals.changed(0).await;
    }
    let ended = mine.end().unwrap();
    let record = change(&ended);
    let wait = async {
        let grown = approvals.changed(seen).await;
        assert!(ids(subject, Some(&mine)).is_empty());
        grown
    };
    let (grown, ended) = join(wait, subject.books.sessions.save(ended, record)).await;
    ended.unwrap();
    assert!(grown > seen, "the end of its session is a change");
}

/// Session `n` has begun.
async fn begun(subject: &Subject, n: u64) -> Session {
    let begun = session(n);
    let record = change(&begun);
    let sessions = &subject.books.sessions;
    sessions.save(begun.clone(), record).await.unwrap();
    begun
}

async fn try_step(subject: &Subject, next: &Approval) -> Result<(), ApprovalError> {
    subject.approvals.save(next.clone(), told(next)).await
}

async fn put(subject: &Subject, asked: Approval) -> Approval {
    try_step(subject, &asked).await.unwrap();
    asked
}

async fn step(subject: &Subject, next: Approval) -> Approval {
    put(subject, next).await
}

async fn refused(subject: &Subject, next: Approval) -> ApprovalError {
    try_step(subject, &next).await.unwrap_err()
}

fn now(subject: &Subject, of: &Approval) -> Approval {
    let kept = subject.approvals.list(Some(of.session));
    let found = kept.into_iter().find(|kept| kept.approval.id == of.id);
    Approval::clone(&found.unwrap().approval)
}

fn ids(subject: &Subject, of: Option<&Session>) -> Vec<ApprovalId> {
    let kept = subject.approvals.list(of.map(|session| session.id));
    kept.iter().map(|kept| kept.approval.id).collect()
}

/// Where the last record with these bytes stands.
async fn place_of(subject: &Subject, record: &[u8]) -> u64 {
    let entries = subject.books.audit.after(0, 100).await.unwrap();
    let found = entries.iter().rfind(|entry| entry.record == record);
    found.unwrap().sequence
}

fn conflict(with: &Approval) -> ApprovalError {
    ApprovalError::Conflict(Arc::new(with.clone()))
}

fn id(n: u64) -> ApprovalId {
    ApprovalId::parse(&format!("0198c0df000070008000{n:012x}")).unwrap()
}

fn at() -> Moment {
    MovableClock::default().now()
}

fn reviewer() -> Approver {
    Approver::Reviewer {
        name: "robot".into(),
    }
}

/// Question `n` of a session, for a person, about reading orders; a greater `n` is a younger one. Two
/// of one session cover each other.
pub fn question(n: u64, of: &Session) -> Approval {
    let asked = Asked {
        user: of.user.id.clone(),
        display: of.user.display.clone(),
        agent: of.agent.clone(),
        workspace: None,
        credential: CredentialName::parse("orders").unwrap(),
        grant: Grant {
            scopes: ScopeSet::parse(["orders:read"]).unwrap(),
            audience: Audience::parse("https://orders.example.test").unwrap(),
            lifetime: 300,
        },
        reason: Some(format!("for task {n}")),
        tier: Tier::Human,
        policies: vec!["ask-a-person".into()],
    };
    Approval::new(id(n), of.id, asked, Stage::Person, at(), at().after(600))
}

/// The question after a yes for one token.
pub fn yes(asked: &Approval) -> Approval {
    let term = Term::Once {
        use_by: at().after(300),
    };
    asked.grant(reviewer(), term, at()).unwrap()
}

/// The question after a yes for more than one token.
pub fn yes_for_a_while(asked: &Approval) -> Approval {
    asked.grant(reviewer(), remembered(), at()).unwrap()
}

fn remembered() -> Term {
    Term::Until {
        until: at().after(600),
        idle: 60,
    }
}

/// The question after a no.
pub fn no(asked: &Approval) -> Approval {
    asked.refuse(reviewer(), at()).unwrap()
}

/// A record that goes with a change of it. What it says is for the reader of the ledger alone.
pub fn told(approval: &Approval) -> SealedRecord {
    SealedRecord::new(Record {
        at: at().unix_ms,
        request: None,
        session: Some(approval.session),
        event: Event::ApprovalAsked {
            approval: approval.id,
            digest: approval.digest(),
            asked: approval.asked.clone(),
            expires: approval.expires.unix_ms,
        },
    })
    .unwrap()
}
