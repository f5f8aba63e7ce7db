//! Contract of the ledger and of its reader, one function per promise.
#![expect(
    clippy::unwrap_used,
    reason = "a suite panics where a promise is broken"
)]

use std::{any::Any, sync::Arc};

use futures_util::future::{join, join_all};
use valetkey_core::{
    ApprovalId, Audience, CallerFacts, CredentialName, Event, Grant, Lease, LeaseId, Record,
    ScopeSet, SessionId, UserId,
    ports::{Audit, Clock as _, Ledger, LedgerError, Sessions},
    record::SealedRecord,
};

use super::sessions::{change, session};
use crate::MovableClock;

/// What the suites work on: a fresh ledger, its reader, and the sessions in order with it.
pub struct Books {
    /// Records.
    pub ledger: Arc<dyn Ledger>,
    /// Reads them back.
    pub audit: Arc<dyn Audit>,
    /// The sessions whose changes are in the same order.
    pub sessions: Arc<dyn Sessions>,
    /// What must outlive them, such as a folder.
    pub keep: Box<dyn Any + Send>,
}

/// Every promise.
pub async fn all(make: impl AsyncFn() -> Books) {
    a_receipt_names_the_record(&make().await).await;
    records_read_back_as_they_were_promised(&make().await).await;
    places_are_counted_from_one_without_a_gap(&make().await).await;
    many_at_once_each_have_their_own_place(&make().await).await;
    no_token_for_a_session_that_does_not_exist(&make().await).await;
    no_token_after_its_session_is_over(&make().await).await;
    a_reader_waits_for_what_is_new(&make().await).await;
    an_untouched_ledger_verifies(&make().await).await;
}

async fn a_receipt_names_the_record(books: &Books) {
    let record = note(1);
    let digest = record.digest();
    let receipt = books.ledger.record(record).await.unwrap();
    assert_eq!(receipt.digest(), digest);
    assert_eq!(receipt.sequence(), 1);
}

async fn records_read_back_as_they_were_promised(books: &Books) {
    let record = note(1);
    let promised = record.bytes().to_vec();
    books.ledger.record(record).await.unwrap();
    let entries = books.audit.after(0, 10).await.unwrap();
    let read: Vec<_> = entries.into_iter().map(|entry| entry.record).collect();
    assert_eq!(read, [promised]);
}

async fn places_are_counted_from_one_without_a_gap(books: &Books) {
    for n in 1..=5 {
        let receipt = books.ledger.record(note(n)).await.unwrap();
        assert_eq!(receipt.sequence(), n);
    }
    let middle = books.audit.after(2, 2).await.unwrap();
    let places: Vec<_> = middle.iter().map(|entry| entry.sequence).collect();
    assert_eq!(places, [3, 4]);
}

async fn many_at_once_each_have_their_own_place(books: &Books) {
    let receipts = join_all((0..100).map(|n| books.ledger.record(note(n)))).await;
    let mut places: Vec<_> = receipts
        .into_iter()
        .map(|receipt| receipt.unwrap().sequence())
        .collect();
    places.sort_unstable();
    assert_eq!(places, (1..=100).collect::<Vec<_>>());
}

async fn no_token_for_a_session_that_does_not_exist(books: &Books) {
    let refused = books.ledger.record(token(session(1).id, 1, 60)).await;
    assert_eq!(refused.unwrap_err(), LedgerError::SessionGone);
    assert_eq!(
        books.audit.after(0, 10).await.unwrap(),
        [],
        "nothing is stored"
    );
}

async fn no_token_after_its_session_is_over(books: &Books) {
    let active = session(1);
    let started = change(&active);
    books.sessions.save(active.clone(), started).await.unwrap();
    books.ledger.record(token(active.id, 1, 60)).await.unwrap();

    let suspended = active.suspend("login ended".into()).unwrap();
    let record = change(&suspended);
    books
        .sessions
        .save(suspended.clone(), record)
        .await
        .unwrap();
    let refused = books.ledger.record(token(active.id, 2, 60)).await;
    assert_eq!(refused.unwrap_err(), LedgerError::SessionGone);

    let awake = suspended.renew(&active.user).unwrap();
    let record = change(&awake);
    books.sessions.save(awake.clone(), record).await.unwrap();
    books.ledger.record(token(active.id, 3, 60)).await.unwrap();

    let revoked = awake.revoke("boss".into(), "left".into()).unwrap();
    let record = change(&revoked);
    books.sessions.save(revoked, record).await.unwrap();
    let refused = books.ledger.record(token(active.id, 4, 60)).await;
    assert_eq!(refused.unwrap_err(), LedgerError::SessionGone);
    assert_eq!(books.audit.after(0, 10).await.unwrap().len(), 6);
}

async fn a_reader_waits_for_what_is_new(books: &Books) {
    let (grown, stored) = join(books.audit.grown_beyond(0), books.ledger.record(note(1))).await;
    assert_eq!((grown, stored.unwrap().sequence()), (1, 1));
    assert_eq!(
        books.audit.grown_beyond(0).await,
        1,
        "what is there is told at once"
    );
}

async fn an_untouched_ledger_verifies(books: &Books) {
    let empty = books.audit.verify().await.unwrap();
    assert_eq!((empty.records, empty.faults), (0, vec![]));
    books.ledger.record(note(1)).await.unwrap();
    books.ledger.record(note(2)).await.unwrap();
    let two = books.audit.verify().await.unwrap();
    assert_eq!((two.records, two.faults), (2, vec![]));
}

/// A record that belongs to no session.
pub fn note(n: u64) -> SealedRecord {
    SealedRecord::new(Record {
        at: 1_800_000_000_000 + n,
        request: None,
        session: None,
        event: Event::PoliciesLoaded {
            digest: "00".repeat(32),
            policies: n,
        },
    })
    .unwrap()
}

/// The record of a token for `session` that ends `seconds` after the clock of the tests stands.
pub fn token(session: SessionId, n: u64, seconds: u64) -> SealedRecord {
    token_by(session, n, seconds, None)
}

/// The same, where the token took an approval.
pub fn token_by(
    session: SessionId,
    n: u64,
    seconds: u64,
    approval: Option<ApprovalId>,
) -> SealedRecord {
    let now = MovableClock::default().now();
    SealedRecord::new(Record {
        at: now.unix_ms + n,
        request: None,
        session: Some(session),
        event: Event::TokenIssued {
            lease: Lease {
                id: LeaseId::parse(&format!("{n:032x}")).unwrap(),
                session,
                credential: CredentialName::parse("orders").unwrap(),
                grant: Grant {
                    scopes: ScopeSet::parse(["orders:read"]).unwrap(),
                    audience: Audience::parse("https://orders.example.test").unwrap(),
                    lifetime: seconds,
                },
                expires: now.unix_seconds() + seconds,
            },
            user: UserId {
                issuer: "https://id.example.test".into(),
                subject: "alice".into(),
            },
            policies: vec!["dev-may-read".into()],
            approval,
            reason: Some(format!("for task {n}")),
            caller: CallerFacts {
                uid: 1000,
                pid: 4242,
                started: 77,
            },
        },
    })
    .unwrap()
}
