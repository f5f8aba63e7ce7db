//! How much of one session is under way at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use valetkey_egress::Limits;

use crate::{
    client,
    house::{self, House},
    origin,
};

#[tokio::test]
async fn a_request_too_many_waits_for_its_place() {
    let house = House::with(Limits {
        requests: 2,
        ..house::limits()
    })
    .await;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let at = origin::plain(move |_| {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Whoever may come, comes meanwhile.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            now.fetch_sub(1, Ordering::SeqCst);
            origin::text("done")
        }
    })
    .await;
    let host = format!("api.test:{}", at.port());
    let head = format!("GET http://{host}/ HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    let asking = (0..16).map(|_| client::raw(house.door, &head));
    for answer in futures_util::future::join_all(asking).await {
        assert!(answer.ends_with("done"), "{answer}");
    }
    assert_eq!(seen.load(Ordering::SeqCst), 2);
}

/// What asks for a name goes on asking when whoever wanted to know has gone.
#[tokio::test]
async fn names_that_nobody_answers_for_take_no_more_than_their_places() {
    let house = House::with(Limits {
        lookups: 2,
        connect_timeout: Duration::from_millis(50),
        ..house::limits()
    })
    .await;
    house.names.1.store(true, Ordering::Relaxed);
    for _ in 0..2 {
        let refused = client::connect(house.door, "dead.test:443")
            .await
            .unwrap_err();
        assert!(refused.contains("host_unreachable"), "{refused}");
    }
    house.names.1.store(false, Ordering::Relaxed);
    let at = origin::plain(origin::echo).await;
    house.names.0.lock().unwrap().push_back(vec![at]);
    let refused = client::connect(house.door, "other.test:443")
        .await
        .unwrap_err();
    assert!(refused.contains("host_unreachable"), "{refused}");
    assert_eq!(
        house.names.0.lock().unwrap().len(),
        1,
        "it was not asked for"
    );
}
