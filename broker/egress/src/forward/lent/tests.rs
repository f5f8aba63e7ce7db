use std::sync::Arc;

use valetkey_codes::Code;
use valetkey_core::{Boot, Injection, Moment, Placement, Refusal};
use valetkey_inject::{Live, Scrubber};
use valetkey_secret::IssuedToken;
use zeroize::Zeroizing;

use super::{Lent, MOST};
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

async fn lend(lent: &Lent, lenders: &[usize], sent: &[Sent], now: Moment) -> Live {
    let live = lent
        .needles(lenders.to_vec(), sent.to_vec(), nothing, now)
        .await;
    live.unwrap().unwrap()
}

#[tokio::test]
async fn what_is_worth_something_is_remembered_whatever_else_is_lent() {
    let lent = Lent::default();
    let (kept, minted) = (
        sent("kept-forever-1", None),
        sent("minted-value-2", Some(900)),
    );
    lend(&lent, &[1], &[kept, minted], NOW).await;
    for n in 0..200 {
        let value = format!("another-value-{n}");
        lend(&lent, &[1, 2], &[sent(&value, Some(900))], NOW).await;
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
    let lent = Lent::default();
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
    let lent = Lent::default();
    lend(&lent, &[1], &[sent("minted-value-2", Some(100))], NOW).await;
    lend(&lent, &[1], &[sent("minted-value-2", Some(900))], NOW).await;
    let live = lend(&lent, &[1], &[sent("one-more-3", None)], later(500)).await;
    assert!(!shows(&live, "minted-value-2"));
}

#[tokio::test]
async fn past_the_bound_nothing_more_is_lent_and_nothing_is_forgotten() {
    let lent = Lent::default();
    let all: Vec<_> = (0..MOST)
        .map(|n| sent(&format!("value-{n:04}"), Some(900)))
        .collect();
    lend(&lent, &[1], &all, NOW).await;
    let one_more = lent
        .needles(vec![1], vec![sent("one-more-3", None)], nothing, NOW)
        .await;
    assert_eq!(one_more.err().unwrap().code(), Code::TooManyRequests);
    let live = lend(&lent, &[1], &all[..1], NOW).await;
    assert!(!shows(&live, "value-0000") && !shows(&live, "value-0511"));
    // Where other credentials go nobody is hindered, and when they have ended neither is anybody here.
    lend(&lent, &[2], &[sent("one-more-3", None)], NOW).await;
    lend(&lent, &[1], &[sent("one-more-3", None)], later(901)).await;
}

#[tokio::test]
async fn what_meets_shares_and_what_does_not_does_not() {
    let lent = Lent::default();
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
    let lent = Lent::default();
    let before = lend(&lent, &[1, 2], &[], NOW).await;
    let kept = async |_: &_| Ok(vec![sent("kept-forever-1", None)]);
    let live = lent
        .needles(vec![1], Vec::new(), kept, NOW)
        .await
        .unwrap()
        .unwrap();
    assert!(!shows(&live, "kept-forever-1"));
    assert!(!shows(&before, "kept-forever-1"));
    // Asked for once, and where the keyring cannot be used not at all.
    let locked = async |_: &_| Err(Code::KeyringLocked.into());
    assert!(lent.needles(vec![1], Vec::new(), locked, NOW).await.is_ok());
    let refused = lent.needles(vec![3], Vec::new(), locked, NOW).await;
    assert_eq!(refused.err().unwrap().code(), Code::KeyringLocked);
}
