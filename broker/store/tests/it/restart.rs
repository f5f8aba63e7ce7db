//! What is there after the broker stopped in order.

use valetkey_core::ports::{Audit as _, Clock as _, Ledger as _, SessionFilter, Sessions as _};
use valetkey_support::contracts::{
    ledger::{note, token},
    sessions::{change, session},
};

use crate::home::{Home, faults, record, save};

#[tokio::test]
async fn the_chain_goes_on() {
    let home = Home::new();
    for run in 1..=3 {
        let store = home.open();
        record(&store, 2).await;
        assert_eq!(store.grown_beyond(0).await, 2 * run);
        assert!(faults(&store).await.is_empty());
    }
}

#[tokio::test]
async fn sessions_and_leases_are_as_they_were() {
    let home = Home::new();
    let store = home.open();
    let (active, suspended, ended) = (session(1), session(2), session(3));
    for started in [&active, &suspended, &ended] {
        save(&store, started).await;
    }
    let suspended = suspended.suspend("login ended".into()).unwrap();
    let ended = ended.end().unwrap();
    save(&store, &suspended).await;
    save(&store, &ended).await;
    store.record(token(active.id, 1, 60)).await.unwrap();
    drop(store);

    let store = home.open();
    for saved in [&active, &suspended, &ended] {
        assert_eq!(store.load(saved.id).as_deref(), Some(saved));
    }
    let live = store.list(SessionFilter::Live).await.unwrap();
    let ids: Vec<_> = live.iter().map(|session| session.id).collect();
    assert_eq!(ids, [suspended.id, active.id]);
    let now = home.clock.now().unix_seconds();
    assert_eq!(store.leases(active.id, now).await.unwrap().len(), 1);
    store.record(token(active.id, 2, 60)).await.unwrap();
    assert!(store.record(token(suspended.id, 3, 60)).await.is_err());
}

#[tokio::test]
async fn ended_leases_are_forgotten_and_live_ones_are_not() {
    let home = Home::new();
    let store = home.open();
    for n in 1..=20 {
        save(&store, &session(n)).await;
        store.record(token(session(n).id, n, 10)).await.unwrap();
        store.record(token(session(n).id, n, 100)).await.unwrap();
    }
    home.clock.pass_seconds(50);
    // Each checkpoint looks after the next few sessions.
    for n in 0..2 {
        store.record(note(n)).await.unwrap();
        store.checkpoint().await.unwrap();
    }
    let left = |sql| {
        home.stranger()
            .query_row(sql, [], |row| row.get::<_, i64>(0))
    };
    assert_eq!(left("SELECT count(*) FROM leases").unwrap(), 20);
    let now = home.clock.now().unix_seconds();
    assert_eq!(store.leases(session(7).id, now).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_hundred_thousand_dead_sessions_stay_on_the_disk() {
    let home = Home::new();
    let store = home.open();
    let over = session(1).end().unwrap();
    save(&store, &over).await;
    save(&store, &session(200_000)).await;
    drop(store);
    home.stranger()
        .execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
             INSERT INTO sessions (id, live, changed, session)
             SELECT unhex(printf('0198c0de000070008000%012x', i)), 0, 1,
                 replace(session, '000000000001', printf('%012x', i))
             FROM n JOIN sessions ON rowid = 1",
        )
        .unwrap();
    let store = home.open();
    let live = store.list(SessionFilter::Live).await.unwrap();
    assert_eq!(live.len(), 1);
    let recent = store.list(SessionFilter::Recent(3)).await.unwrap();
    let newest = [200_000, 100_000, 99_999].map(|n| session(n).id);
    assert_eq!(recent.iter().map(|s| s.id).collect::<Vec<_>>(), newest);
    assert_eq!(store.load(session(77).id).unwrap().state, over.state);
    let late = change(&session(77));
    assert!(store.save(session(77), late).await.is_err(), "over is over");
}
