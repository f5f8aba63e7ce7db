//! Contract of the sessions, one function per promise.
#![expect(
    clippy::unwrap_used,
    reason = "a suite panics where a promise is broken"
)]

use std::sync::Arc;

use valetkey_core::{
    AccountName, AgentName, Event, Pins, Record, Session, SessionId, SessionState, User, UserId,
    ports::{Clock as _, LedgerError, SessionFilter},
    record::SealedRecord,
};

use super::ledger::{Books, token};
use crate::MovableClock;

/// Every promise that does not need a broken disk.
pub async fn all(make: impl AsyncFn() -> Books) {
    what_was_saved_is_loaded(&make().await).await;
    a_change_and_its_record_are_one_step(&make().await).await;
    what_is_over_stays_over(&make().await).await;
    lists_mean_what_they_say(&make().await).await;
    leases_are_told_newest_first_until_they_end(&make().await).await;
    at_most_a_thousand_leases_are_told(&make().await).await;
}

async fn what_was_saved_is_loaded(books: &Books) {
    let saved = session(1);
    assert_eq!(books.sessions.load(saved.id), None);
    let record = change(&saved);
    books.sessions.save(saved.clone(), record).await.unwrap();
    assert_eq!(books.sessions.load(saved.id).as_deref(), Some(&saved));

    let revoked = saved.revoke("boss".into(), "left".into()).unwrap();
    let record = change(&revoked);
    books.sessions.save(revoked.clone(), record).await.unwrap();
    assert_eq!(books.sessions.load(saved.id).as_deref(), Some(&revoked));
}

async fn a_change_and_its_record_are_one_step(books: &Books) {
    let saved = session(1);
    let record = change(&saved);
    let promised = record.bytes().to_vec();
    books.sessions.save(saved, record).await.unwrap();
    let entries = books.audit.after(0, 10).await.unwrap();
    assert_eq!(entries.first().map(|e| &e.record), Some(&promised));
}

async fn what_is_over_stays_over(books: &Books) {
    let active = session(1);
    let ended = active.end().unwrap();
    for next in [&active, &ended] {
        let record = change(next);
        books.sessions.save(next.clone(), record).await.unwrap();
    }
    // Whoever decided on what it read before the end does not wake the session.
    for late in [active.clone(), active.expire().unwrap()] {
        let record = change(&late);
        let refused = books.sessions.save(late, record).await;
        assert_eq!(refused.unwrap_err(), LedgerError::SessionGone);
    }
    assert_eq!(books.sessions.load(active.id).as_deref(), Some(&ended));
    assert_eq!(books.audit.after(0, 10).await.unwrap().len(), 2);
}

async fn lists_mean_what_they_say(books: &Books) {
    let suspended = session(2).suspend("login ended".into()).unwrap();
    let ended = session(3).end().unwrap();
    let mut of_another = session(4);
    of_another.user.id.subject = "bob".into();
    for (before, now) in [
        (session(1), None),
        (session(2), Some(&suspended)),
        (session(3), Some(&ended)),
        (of_another.clone(), None),
    ] {
        let record = change(&before);
        books.sessions.save(before, record).await.unwrap();
        if let Some(now) = now {
            books.sessions.save(now.clone(), change(now)).await.unwrap();
        }
    }
    let list = async |filter| {
        let mut listed = books.sessions.list(filter).await.unwrap();
        listed.sort_by_key(|session| session.id);
        listed
    };
    let all = [session(1), suspended, ended, of_another.clone()].map(Arc::new);
    let [one, suspended, _, of_another] = all.clone();
    let live = list(SessionFilter::Live).await;
    assert_eq!(live, [one, suspended, Arc::clone(&of_another)]);
    let of_bob = SessionFilter::LiveOfUser(of_another.user.id.clone());
    assert_eq!(list(of_bob).await, [of_another]);
    assert_eq!(list(SessionFilter::Recent(10)).await, all);
    let newest = books.sessions.list(SessionFilter::Recent(2)).await.unwrap();
    let ids: Vec<_> = newest.iter().map(|session| session.id).collect();
    assert_eq!(ids, [session(4).id, session(3).id], "newest first");
}

async fn leases_are_told_newest_first_until_they_end(books: &Books) {
    let (mine, other) = (session(1), session(2));
    for started in [&mine, &other] {
        let record = change(started);
        books.sessions.save(started.clone(), record).await.unwrap();
    }
    for (owner, n, seconds) in [
        (&mine, 1, 60),
        (&mine, 2, 10),
        (&mine, 3, 30),
        (&other, 4, 60),
    ] {
        let record = token(owner.id, n, seconds);
        books.ledger.record(record).await.unwrap();
    }
    let now = MovableClock::default().now().unix_seconds();
    let told = async |at| {
        let leases = books.sessions.leases(mine.id, at).await.unwrap();
        leases.iter().map(|l| l.expires - now).collect::<Vec<_>>()
    };
    assert_eq!(told(now).await, [30, 10, 60]);
    assert_eq!(told(now + 9).await, [30, 10, 60]);
    assert_eq!(told(now + 10).await, [30, 60], "it ends at its very second");
    assert!(told(now + 60).await.is_empty());
}

async fn at_most_a_thousand_leases_are_told(books: &Books) {
    let mine = session(1);
    books
        .sessions
        .save(mine.clone(), change(&mine))
        .await
        .unwrap();
    let asked = (1..=1001).map(|n| books.ledger.record(token(mine.id, n, 60 + n)));
    for receipt in futures_util::future::join_all(asked).await {
        receipt.unwrap();
    }
    let now = MovableClock::default().now().unix_seconds();
    let leases = books.sessions.leases(mine.id, now).await.unwrap();
    assert_eq!(leases.len(), 1000);
    assert!(
        leases.iter().all(|lease| lease.expires > now + 61),
        "the oldest is left out"
    );
}

/// An active session of alice; a greater `n` is a younger one.
pub fn session(n: u64) -> Session {
    let now = MovableClock::default().now();
    Session {
        id: SessionId::parse(&format!("0198c0de000070008000{n:012x}")).unwrap(),
        account: AccountName::parse("default").unwrap(),
        user: User {
            id: UserId {
                issuer: "https://id.example.test".into(),
                subject: "alice".into(),
            },
            display: "Alice".into(),
            groups: ["dev".to_owned()].into(),
        },
        agent: AgentName::parse("coder").unwrap(),
        profile: None,
        workspace: None,
        pins: Pins::default(),
        started: now,
        deadline: now.after(3600),
        state: SessionState::Active,
        forgiven: None,
    }
}

/// The record of a session's change to the state that it is in.
pub fn change(session: &Session) -> SealedRecord {
    SealedRecord::new(Record {
        at: MovableClock::default().now().unix_ms,
        request: None,
        session: Some(session.id),
        event: Event::SessionChanged {
            from: "active".into(),
            to: session.state.clone(),
            groups: None,
        },
    })
    .unwrap()
}
