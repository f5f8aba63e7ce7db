//! The cache, with a clock that the test moves and a broker that is a closure.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, oneshot};
use valetkey_wire::agent::GetTokenResponse;

use super::{Cache, ROOM};
use crate::{Code, Error, Token, TokenRequest};

struct Bench {
    cache: Arc<Cache>,
    now: Arc<AtomicU64>,
    fetched: AtomicU64,
}

impl Bench {
    fn new() -> Self {
        let now = Arc::new(AtomicU64::new(1000));
        let read = Arc::clone(&now);
        Self {
            cache: Arc::new(Cache::new(Box::new(move || {
                Duration::from_secs(read.load(Ordering::SeqCst))
            }))),
            now,
            fetched: AtomicU64::new(0),
        }
    }

    fn pass(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    fn issue(&self, lives: u64) -> Result<Token, Error> {
        let number = self.fetched.fetch_add(1, Ordering::SeqCst);
        Token::from_wire(
            GetTokenResponse {
                access_token: format!("token-{number}"),
                expires_in: lives,
                ..GetTokenResponse::default()
            },
            self.cache.now(),
        )
    }

    async fn ask(&self, request: &TokenRequest, lives: u64) -> String {
        let token = self
            .cache
            .get(request.key(), request.wants(), async || self.issue(lives))
            .await
            .unwrap();
        token.value().reveal().to_owned()
    }
}

#[tokio::test]
async fn a_token_is_kept_until_a_minute_before_its_end() {
    let bench = Bench::new();
    let request = TokenRequest::new("c");
    assert_eq!(bench.ask(&request, 600).await, "token-0");
    bench.pass(540);
    assert_eq!(bench.ask(&request, 600).await, "token-0");
    bench.pass(1);
    assert_eq!(bench.ask(&request, 600).await, "token-1");
}

#[tokio::test]
async fn the_caller_says_how_much_has_to_be_left() {
    let bench = Bench::new();
    let request = TokenRequest::new("c");
    assert_eq!(bench.ask(&request, 600).await, "token-0");
    let longer = request.clone().min_validity(Duration::from_secs(601));
    assert_eq!(bench.ask(&longer, 700).await, "token-1");
    bench.pass(690);
    let shorter = request.clone().min_validity(Duration::from_secs(10));
    assert_eq!(bench.ask(&shorter, 600).await, "token-1");
}

#[tokio::test]
async fn another_scope_is_another_token() {
    let bench = Bench::new();
    assert_eq!(bench.ask(&TokenRequest::new("c"), 600).await, "token-0");
    let scoped = TokenRequest::new("c").scope("s");
    assert_eq!(bench.ask(&scoped, 600).await, "token-1");
    assert_eq!(bench.ask(&TokenRequest::new("c"), 600).await, "token-0");
}

#[tokio::test]
async fn dropping_all_reaches_what_is_on_its_way() {
    let bench = Bench::new();
    let request = TokenRequest::new("c");
    let token = bench
        .cache
        .get(request.key(), request.wants(), async || {
            bench.cache.clear();
            bench.issue(600)
        })
        .await
        .unwrap();
    assert_eq!(token.value().reveal(), "token-0");
    assert_eq!(bench.ask(&request, 600).await, "token-1");
}

#[tokio::test]
async fn a_hundred_callers_share_one_flight() {
    let (outcomes, fetched) = hundred(|number| {
        Token::from_wire(
            GetTokenResponse {
                access_token: format!("token-{number}"),
                // Shorter than what would be kept: it does for those who waited for it.
                expires_in: 5,
                ..GetTokenResponse::default()
            },
            Duration::from_secs(1000),
        )
    })
    .await;
    assert!(outcomes.iter().all(|outcome| outcome == "token-0"));
    assert_eq!(fetched, 1);
}

#[tokio::test]
async fn a_hundred_callers_share_one_refusal() {
    let (outcomes, fetched) = hundred(|_| Err(Error::plain(Code::LoginExpired))).await;
    assert!(outcomes.iter().all(|outcome| outcome == "login_expired"));
    assert_eq!(fetched, 1);
}

/// A hundred callers who wait while the first one's request is under way.
async fn hundred(answer: fn(u64) -> Result<Token, Error>) -> (Vec<String>, u64) {
    let bench = Bench::new();
    let fetched = Arc::new(AtomicU64::new(0));
    let go = Arc::new(Notify::new());
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (cache, fetched, go) = (
            Arc::clone(&bench.cache),
            Arc::clone(&fetched),
            Arc::clone(&go),
        );
        callers.spawn(async move {
            let request = TokenRequest::new("c");
            let outcome = cache
                .get(request.key(), request.wants(), async || {
                    let number = fetched.fetch_add(1, Ordering::SeqCst);
                    go.notified().await;
                    answer(number)
                })
                .await;
            match outcome {
                Ok(token) => token.value().reveal().to_owned(),
                Err(error) => error.code.id().to_owned(),
            }
        });
    }
    // On the one thread of this test every caller runs up to its wait before this goes on.
    tokio::task::yield_now().await;
    go.notify_one();
    (callers.join_all().await, fetched.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_later_caller_does_not_inherit_a_refusal() {
    let bench = Bench::new();
    let request = TokenRequest::new("c");
    let refused = bench
        .cache
        .get(request.key(), request.wants(), async || {
            Err(Error::plain(Code::Denied))
        })
        .await;
    assert_eq!(refused.err().unwrap().code, Code::Denied);
    assert_eq!(bench.ask(&request, 600).await, "token-0");
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_the_flight_to_the_next() {
    let bench = Arc::new(Bench::new());
    let (started, has_started) = oneshot::channel();
    let first = tokio::spawn({
        let bench = Arc::clone(&bench);
        async move {
            let request = TokenRequest::new("c");
            bench
                .cache
                .get(request.key(), request.wants(), async || {
                    started.send(()).unwrap();
                    std::future::pending().await
                })
                .await
                .map(drop)
        }
    });
    has_started.await.unwrap();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert_eq!(bench.ask(&TokenRequest::new("c"), 600).await, "token-0");
}

#[tokio::test]
async fn places_of_ended_tokens_are_used_again() {
    let bench = Bench::new();
    for number in 0..ROOM {
        bench.ask(&TokenRequest::new(number.to_string()), 600).await;
    }
    bench.pass(600);
    bench.ask(&TokenRequest::new("one more"), 600).await;
    assert_eq!(bench.cache.lock().len(), 1);
}
