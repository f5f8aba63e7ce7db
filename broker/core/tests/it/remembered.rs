//! A remembered answer covers the same or less, never more (promise 6): of any answer and any later
//! request.

use proptest::{collection::vec, prelude::*, sample::select};
use valetkey_core::{Tier, approval::Answer, request::Ask};
use valetkey_support::fakes::policy::Rules;

use crate::world::World;

const CREDENTIALS: [&str; 2] = ["orders", "bills"];
const SCOPES: [&str; 2] = ["read", "write"];
const AUDIENCES: [&str; 2] = ["https://orders.example.test", "https://other.example.test"];

/// A request, and the friction that the policies ask for when it is made.
#[derive(Clone, Debug)]
struct Made {
    credential: &'static str,
    scopes: Vec<&'static str>,
    audience: &'static str,
    lifetime: u64,
    tier: Tier,
}

fn made() -> impl Strategy<Value = Made> {
    (
        select(&CREDENTIALS[..]),
        vec(select(&SCOPES[..]), 1..3),
        select(&AUDIENCES[..]),
        1_u64..900,
        select(vec![Tier::Review, Tier::Human]),
    )
        .prop_map(|(credential, scopes, audience, lifetime, tier)| Made {
            credential,
            scopes,
            audience,
            lifetime,
            tier,
        })
}

impl Made {
    fn ask(&self) -> Ask {
        Ask {
            credential: self.credential.to_owned(),
            scopes: self
                .scopes
                .iter()
                .map(|scope| (*scope).to_owned())
                .collect(),
            audience: Some(self.audience.to_owned()),
            lifetime: i64::try_from(self.lifetime).ok(),
            ..Ask::default()
        }
    }

    /// The same friction for everything.
    fn rules(&self) -> Rules {
        let all = CREDENTIALS.iter().flat_map(|c| SCOPES.map(|s| (*c, s)));
        Rules::permit(&[]).and(self.tier, &all.collect::<Vec<_>>())
    }

    /// Said once more, without a word of the code that is tested.
    fn is_no_more_than(&self, other: &Self) -> bool {
        self.credential == other.credential
            && self.audience == other.audience
            && self.lifetime <= other.lifetime
            && (self.tier == other.tier || self.tier == Tier::Review)
            && self.scopes.iter().all(|scope| other.scopes.contains(scope))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_answer_covers_what_was_shown_or_less(
        shown in made(),
        later in made(),
        answer in select(vec![Answer::Once, Answer::For(3000), Answer::Session]),
        same_session in prop::bool::weighted(0.8),
        seconds in 0_u64..600,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (world, session) = World::with_session().await;
            let other = world.session("alice", "coder").await;
            world.policy.follow(shown.rules());
            let id = world.pending(session.id, shown.ask()).await;
            world.say("alice", id, answer).await.unwrap();

            world.clock.pass_seconds(seconds);
            world.policy.follow(later.rules());
            let asker = if same_session { session.id } else { other.id };
            let stands = answer != Answer::Once || seconds < 300;
            let expected = later.is_no_more_than(&shown) && same_session && stands;
            let outcome = world.token(asker, later.ask()).await;
            prop_assert_eq!(outcome.is_ok(), expected);
            if let Ok(released) = outcome {
                let lease = released.lease();
                let given = &lease.grant;
                prop_assert!(given.within(&world.approval(id).asked.grant));
                prop_assert_eq!(lease.credential.as_str(), shown.credential);
                prop_assert!(given.lifetime <= later.lifetime, "nor more than was asked");
            }
            Ok(())
        })?;
    }

    /// A question is joined by the same rule, and by no other.
    #[test]
    fn a_question_is_joined_by_what_it_covers(shown in made(), later in made()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (world, session) = World::with_session().await;
            world.policy.follow(shown.rules());
            let id = world.pending(session.id, shown.ask()).await;
            world.policy.follow(later.rules());
            let joined = world.pending(session.id, later.ask()).await == id;
            prop_assert_eq!(joined, later.is_no_more_than(&shown));
            Ok(())
        })?;
    }
}
