//! How long a token lives: as asked, and never more than any ceiling.

use valetkey_codes::Code;
use valetkey_core::{lifecycle, request::Ask};
use valetkey_support::fakes::policy::Rules;

use crate::world::{World, ask, start};

/// `(credential, asked, at least, what is left of the session)` and what comes of it.
type Case = (&'static str, Option<i64>, Option<u64>, i64, Option<u64>);

const CASES: &[Case] = &[
    ("orders", None, None, 3600, Some(600)),
    ("orders", Some(1), None, 3600, Some(1)),
    ("orders", Some(300), None, 3600, Some(300)),
    ("orders", Some(900), None, 3600, Some(900)),
    // the credential's ceiling
    ("orders", Some(901), None, 3600, Some(900)),
    ("orders", Some(i64::MAX), None, 3600, Some(900)),
    // the ceiling of every token
    ("bills", Some(i64::MAX), None, 86400, Some(3600)),
    // the session's end
    ("orders", None, None, 45, Some(45)),
    ("orders", Some(900), None, 45, Some(45)),
    // at least so long
    ("orders", None, Some(1), 3600, Some(600)),
    ("orders", None, Some(700), 3600, Some(700)),
    ("orders", None, Some(900), 3600, Some(900)),
    ("orders", None, Some(901), 3600, None),
    ("orders", Some(300), Some(300), 3600, Some(300)),
    ("orders", Some(300), Some(301), 3600, None),
    ("orders", None, Some(46), 45, None),
    ("orders", None, Some(45), 45, Some(45)),
];

#[tokio::test]
async fn the_least_ceiling_counts() {
    for case in CASES {
        let (credential, lifetime, min_validity, left, expected) = *case;
        let world = World::new(valetkey_core::ports::Effect::Local);
        world
            .policy
            .follow(Rules::permit(&[("orders", "read"), ("bills", "read")]));
        let ask_for = lifecycle::StartSession {
            lifetime: Some(left),
            ..start("alice", "coder")
        };
        let (session, _) = lifecycle::start(&world.broker, ask_for).await.unwrap();
        let asked = Ask {
            credential: credential.to_owned(),
            lifetime,
            min_validity,
            ..ask()
        };
        let outcome = world
            .token(session.id, asked)
            .await
            .map(|r| r.lease().clone());
        match expected {
            Some(expected) => {
                let lease = outcome.unwrap();
                assert_eq!(lease.grant.lifetime, expected, "{case:?}");
                assert_eq!(lease.expires, world.now() + expected, "{case:?}");
            }
            None => assert_eq!(
                outcome.unwrap_err().code(),
                Code::InvalidRequest,
                "{case:?}"
            ),
        }
    }
}

#[tokio::test]
async fn the_policies_hear_of_the_lifetime_that_would_be_granted() {
    let (world, session) = World::with_session().await;
    let asked = Ask {
        lifetime: Some(i64::MAX),
        ..ask()
    };
    world.token(session.id, asked).await.unwrap();
    let heard = world.policy.heard().pop().unwrap();
    assert!(heard.contains("lifetime: 900"), "{heard}");
}

#[tokio::test]
async fn setting_the_wall_clock_back_lengthens_nothing() {
    let (world, session) = World::with_session().await;
    world.clock.pass_seconds(3555);
    world.clock.change(|now| now.unix_ms -= 3_555_000);
    let lease = world
        .token(session.id, ask())
        .await
        .unwrap()
        .lease()
        .clone();
    assert_eq!(lease.grant.lifetime, 45, "the other clock went on");
    assert_eq!(lease.expires, world.now() + 45);
    world.clock.change(|now| now.boot_us += 45_000_000);
    let refused = world
        .token(session.id, ask())
        .await
        .map(|r| r.lease().clone());
    assert_eq!(refused.unwrap_err().code(), Code::SessionExpired);
}

/// What was asked of a source that took its time.
#[tokio::test]
async fn a_grant_shrinks_with_the_session_while_the_intent_is_recorded() {
    use crate::ledger::{At, Mishap};
    use valetkey_core::ports::Effect;

    let world = World::new(Effect::Upstream);
    let ask_for = lifecycle::StartSession {
        lifetime: Some(60),
        ..start("alice", "coder")
    };
    let (session, _) = lifecycle::start(&world.broker, ask_for).await.unwrap();
    let clock = std::sync::Arc::clone(&world.clock);
    let wait = async move { clock.pass_seconds(20) };
    world
        .ledger
        .expect(At::Intent, Mishap::ComesAfter(Box::pin(wait)));
    let lease = world
        .token(session.id, ask())
        .await
        .unwrap()
        .lease()
        .clone();
    assert_eq!(lease.grant.lifetime, 40);
    assert_eq!(lease.expires, world.now() + 40);
}
