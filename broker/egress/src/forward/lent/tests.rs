use std::sync::Arc;

use valetkey_codes::Code;
use valetkey_core::{Boot, Injection, Moment, Placement, Refusal, SessionId};
use valetkey_inject::{Live, Scrubber};
use valetkey_secret::IssuedToken;
use zeroize::Zeroizing;

use super::{Lent, MOST, MOST_EACH};
use crate::gate::{Lenders, Loan, Sent};

const NOW: Moment = Moment {
    unix_ms: 1_000_000,
    boot_us: 0,
    boot: Boot(1),
};

fn later(seconds: u64) -> Moment {
    Moment {
        unix_ms: NOW.unix_ms + seconds * 1000,
        boot_us: NOW.boot_us + seconds * 1_000_000,
        ..NOW
    }
}

/// `value`, which is worth something for so many seconds.
fn sent(value: &str, worth: Option<u64>) -> Sent {
    let loan = Loan {
        value: IssuedToken::new(Zeroizing::new(value.as_bytes().to_vec())),
        ends: NOW.after(60),
        worth: worth.map(|seconds| NOW.after(seconds)),
    };
    let injection = Injection {
        hosts: Vec::new(),
        methods: Vec::new(),
        paths: Vec::new(),
        scope: None,
        place: Placement::Header {
            name: "x-key".into(),
            prefix: String::new(),
        },
        always: true,
    };
    (Arc::new(loan), Arc::new(injection))
}

fn shows(live: &Live, value: &str) -> bool {
    let mut scrubber = Scrubber::new(live.clone());
    let mut out = scrubber.feed(format!("{value} ").into()).to_vec();
    out.extend(scrubber.finish());
    out == format!("{value} ").into_bytes()
}

async fn nothing(_: &Lenders) -> Result<Vec<Sent>, Refusal> {
    Ok(Vec::new())
}

fn session(n: usize) -> SessionId {
    SessionId::parse(&format!("0198c0de0000700080000000{n:08x}")).unwrap()
}

async fn lend(lent: &Arc<Lent>, lenders: &[usize], sent: &[Sent], now: Moment) -> Live {
    let live = lend_to(session(1), lent, lenders, sent, now).await;
    live.unwrap()
}

async fn lend_to(
    session: SessionId,
    lent: &Arc<Lent>,
    lenders: &[usize],
    sent: &[Sent],
    now: Moment,
) -> Result<Live, Refusal> {
    let needles = lent.needles(session, lenders.to_vec(), sent.to_vec(), nothing, now);
    Ok(needles.await?.unwrap())
}

#[tokio::test]
async fn what_is_worth_something_is_remembered_whatever_else_is_lent() {
    let lent = Arc::<Lent>::default();
    let (kept, minted) = (
        sent("kept-forever-1", None),
        sent("minted-value-2", Some(900)),
    );
    lend(&lent, &[1], &[kept, minted], NOW).await;
    for n in 0..200 {
        let value = format!("another-value-{n}");
        let one = [sent(&value, Some(900))];
        let lent = lend_to(session(n % 2), &lent, &[1, 2], &one, NOW).await;
        lent.unwrap();
    }
    let live = lend(&lent, &[1], &[], NOW).await;
    for value in [
        "kept-forever-1",
        "minted-value-2",
        "another-value-0",
        "another-value-199",
    ] {
        assert!(!shows(&live, value), "{value}");
    }
    // Later what was minted is of no use to anybody.
    let live = lend(&lent, &[1], &[sent("one-more-3", None)], later(901)).await;
    assert!(!shows(&live, "kept-forever-1"));
    assert!(shows(&live, "minted-value-2"));
}

#[tokio::test]
async fn an_answer_under_way_keeps_what_its_request_carried() {
    let lent = Arc::<Lent>::default();
    let under_way = lend(&lent, &[1], &[sent("minted-value-2", Some(900))], NOW).await;
    let live = lend(&lent, &[1], &[sent("one-more-3", None)], later(5000)).await;
    assert!(!shows(&under_way, "minted-value-2"));
    drop(under_way);
    assert!(!shows(&live, "minted-value-2"), "of that moment");
    let live = lend(&lent, &[1], &[sent("one-more-4", None)], later(5000)).await;
    assert!(shows(&live, "minted-value-2"));
    assert!(!shows(&live, "one-more-3"));
}

/// The same token, from a source that keeps it: its worth is that of the newest loan.
#[tokio::test]
async fn what_is_lent_again_is_worth_something_for_longer() {
    let lent = Arc::<Lent>::default();
    lend(&lent, &[1], &[sent("minted-value-2", Some(100))], NOW).await;
    lend(&lent, &[1], &[sent("minted-value-2", Some(900))], NOW).await;
    let live = lend(&lent, &[1], &[sent("one-more-3", None)], later(500)).await;
    assert!(!shows(&live, "minted-value-2"));
}

fn values(of: usize) -> Vec<Sent> {
    let value = |n| sent(&format!("value-{of}-{n:04}"), Some(900));
    (0..MOST_EACH).map(value).collect()
}

#[tokio::test]
async fn past_the_bound_nothing_more_is_lent_and_nothing_is_forgotten() {
    let lent = Arc::<Lent>::default();
    let sessions = MOST / MOST_EACH;
    for of in 0..sessions {
        let all = values(of);
        let lent = lend_to(session(of), &lent, &[1], &all, NOW).await;
        lent.unwrap();
    }
    let one_more = [sent("one-more-3", None)];
    let refused = lend_to(session(sessions), &lent, &[1], &one_more, NOW).await;
    assert_eq!(refused.err().unwrap().code(), Code::TooManyRequests);
    let live = lend(&lent, &[1], &values(0)[..1], NOW).await;
    assert!(!shows(&live, "value-0-0000") && !shows(&live, "value-3-0127"));
    // Where other credentials go nobody is hindered, and when they have ended neither is anybody here.
    lend(&lent, &[2], &one_more, NOW).await;
    lend(&lent, &[1], &one_more, later(901)).await;
}

#[tokio::test]
async fn one_session_leaves_room_for_others() {
    let lent = Arc::<Lent>::default();
    let one_more = [sent("one-more-3", Some(900))];
    lend_to(session(1), &lent, &[1], &values(1), NOW)
        .await
        .unwrap();
    let refused = lend_to(session(1), &lent, &[1], &one_more, NOW).await;
    assert_eq!(refused.err().unwrap().code(), Code::TooManyRequests);
    lend_to(session(2), &lent, &[1], &one_more, NOW)
        .await
        .unwrap();
    // It is there now, whoever brought it.
    lend_to(session(1), &lent, &[1], &one_more, NOW)
        .await
        .unwrap();
}

/// What whoever left had begun is done before anything else is, and counts.
#[tokio::test]
async fn who_leaves_has_nothing_begun_twice() {
    let lent = Arc::<Lent>::default();
    let value = sent("minted-value-2", Some(900));
    let turn = Arc::clone(&lent.adding).lock_owned().await;
    let mut leaving = Box::pin(lend(&lent, &[1], std::slice::from_ref(&value), NOW));
    assert!(futures_util::poll!(&mut leaving).is_pending());
    drop(turn);
    // It has its turn, and what it began goes on without it.
    assert!(futures_util::poll!(&mut leaving).is_pending());
    drop(leaving);
    drop(lent.adding.lock().await);
    assert!(lent.known(&vec![1], &[value]).is_some());
}

/// A keyring that waits for its developer keeps nobody else.
#[tokio::test]
async fn who_reads_the_keyring_keeps_nobody() {
    let lent = Arc::<Lent>::default();
    let waits = async |_: &_| std::future::pending().await;
    let mut waiting = Box::pin(lent.needles(session(1), vec![1], Vec::new(), waits, NOW));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    lend(&lent, &[2], &[sent("one-more-3", None)], NOW).await;
}

#[tokio::test]
async fn what_meets_shares_and_what_does_not_does_not() {
    let lent = Arc::<Lent>::default();
    let apart = lend(&lent, &[9], &[], NOW).await;
    let before = lend(&lent, &[1, 2], &[], NOW).await;
    lend(&lent, &[2, 3], &[sent("minted-value-2", Some(900))], NOW).await;
    let after = lend(&lent, &[2, 4], &[], NOW).await;
    assert!(!shows(&before, "minted-value-2"));
    assert!(!shows(&after, "minted-value-2"));
    assert!(shows(&apart, "minted-value-2"));
}

/// An earlier run of the broker may have lent it.
#[tokio::test]
async fn what_is_kept_is_looked_for_before_it_is_lent() {
    let lent = Arc::<Lent>::default();
    let before = lend(&lent, &[1, 2], &[], NOW).await;
    let kept = async |_: &_| Ok(vec![sent("kept-forever-1", None)]);
    let live = lent
        .needles(session(1), vec![1], Vec::new(), kept, NOW)
        .await
        .unwrap()
        .unwrap();
    assert!(!shows(&live, "kept-forever-1"));
    assert!(!shows(&before, "kept-forever-1"));
    // Asked for once, and where the keyring cannot be used not at all.
    let locked = async |_: &_| Err(Code::KeyringLocked.into());
    let ask = async |lenders| {
        let asked = lent.needles(session(1), lenders, Vec::new(), locked, NOW);
        asked.await
    };
    assert!(ask(vec![1]).await.is_ok());
    let refused = ask(vec![3]).await;
    assert_eq!(refused.err().unwrap().code(), Code::KeyringLocked);
}
