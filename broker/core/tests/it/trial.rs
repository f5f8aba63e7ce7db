//! Requirements: what they raise, and what they would.

use std::sync::Arc;

use valetkey_codes::Code;
use valetkey_core::{
    Broker, Credential, Credentials, Event, Tier, Trial,
    approval::{Answer, State},
    grants,
};
use valetkey_support::fakes::policy::{FakePolicy, Rules};

use crate::{
    people::{tiers, write},
    world::{World, ask},
};

fn edited(broker: &Broker, edit: impl Fn(&mut Credential)) -> Credentials {
    let all = broker.settings.credentials.iter();
    all.map(|credential| {
        let mut credential = Credential::clone(credential);
        edit(&mut credential);
        credential
    })
    .collect()
}

fn raised(broker: &Broker, tier: Tier) -> Credentials {
    edited(broker, |credential| credential.min_tier = tier)
}

#[tokio::test]
async fn the_least_friction_of_a_credential_is_never_less() {
    for (least, met) in [
        (Tier::Auto, Tier::Auto),
        (Tier::Review, Tier::Review),
        (Tier::Human, Tier::Human),
    ] {
        let (mut world, session) = World::with_tiers().await;
        world.broker.settings.credentials = raised(&world.broker, least);
        let offers = grants::offers(&world.broker, &session);
        let offer = offers
            .iter()
            .find(|o| o.credential.name.as_str() == "orders");
        assert_eq!(
            offer.unwrap().at(met),
            ["read"]
                .map(str::to_owned)
                .into_iter()
                .chain((met == Tier::Human).then(|| "write".to_owned()))
                .collect::<Vec<_>>()
        );
        if met == Tier::Auto {
            world.token(session.id, ask()).await.unwrap();
            continue;
        }
        let id = world.pending(session.id, ask()).await;
        assert_eq!(world.approval(id).asked.tier, met);
        world.say("alice", id, Answer::Once).await.unwrap();
        world.token(session.id, ask()).await.unwrap();
    }
    let (mut world, session) = World::with_tiers().await;
    world.broker.settings.credentials = raised(&world.broker, Tier::Deny);
    let refusal = world.refused(session.id, ask()).await;
    assert_eq!(refusal.code(), Code::Denied);
    let why = "the configuration gives this credential to nobody";
    assert_eq!(refusal.detail(), Some(why));
    assert!(grants::offers(&world.broker, &session).is_empty());
}

/// A restart with other requirements: the answer was to less friction than is asked for now.
#[tokio::test]
async fn an_answer_under_the_old_least_friction_does_not_stand_under_the_new() {
    let (mut world, session) = World::with_tiers().await;
    world
        .policy
        .follow(Rules::permit(&[]).review(&[("orders", "write")]));
    let id = world.pending(session.id, write()).await;
    let open = world.pending(session.id, crate::people::nth(700)).await;
    world.say("alice", id, Answer::Session).await.unwrap();
    world.broker.settings.credentials = raised(&world.broker, Tier::Human);
    let again = world.pending(session.id, write()).await;
    assert!(again != id && again != open);
    let code = world.not_heard("alice", open, Answer::Session).await;
    assert_eq!(code, Code::Denied);
    world.broker.settings.credentials = raised(&world.broker, Tier::Deny);
    let code = world.not_heard("alice", again, Answer::Session).await;
    assert_eq!(code, Code::Denied);
    assert!(matches!(world.state(again), State::Over { .. }));
}

/// What is on trial is told, and nothing is refused that was not.
#[tokio::test]
async fn what_is_on_trial_refuses_nothing() {
    type Edit = fn(&Broker) -> Credentials;
    let same: Edit = |broker| broker.settings.credentials.clone();
    let cases: [(&str, Rules, Edit, Option<Tier>); 8] = [
        ("the same", tiers(), same, None),
        ("denied", Rules::permit(&[]), same, Some(Tier::Deny)),
        (
            "reviewed",
            Rules::permit(&[]).review(&[("orders", "read")]),
            same,
            Some(Tier::Review),
        ),
        ("failing", Rules::failing(), same, Some(Tier::Deny)),
        (
            "raised",
            tiers(),
            |broker| raised(broker, Tier::Human),
            Some(Tier::Human),
        ),
        (
            "gone",
            tiers(),
            |_| Credentials::default(),
            Some(Tier::Deny),
        ),
        (
            "without the scope",
            tiers(),
            |broker| edited(broker, |c| c.scopes = Default::default()),
            Some(Tier::Deny),
        ),
        (
            "without the audience",
            tiers(),
            |broker| {
                edited(broker, |c| {
                    c.audiences.first = valetkey_core::Audience::parse("urn:x").unwrap()
                })
            },
            Some(Tier::Deny),
        ),
    ];
    for (name, rules, credentials, expected) in cases {
        let (mut world, session) = World::with_tiers().await;
        world.broker.trial = Some(Trial {
            policy: Arc::new(FakePolicy::new(rules)),
            credentials: credentials(&world.broker),
        });
        world.token(session.id, ask()).await.unwrap();
        let records = world.records();
        let told = records.iter().find_map(|record| match &record.event {
            Event::WouldBeRefused { tier, would_be, .. } => {
                Some((*tier, *would_be, record.request))
            }
            _ => None,
        });
        let issued = records.last().unwrap().request;
        assert_eq!(
            told,
            expected.map(|tier| (Tier::Auto, tier, issued)),
            "{name}"
        );
    }
}

#[tokio::test]
async fn less_friction_on_trial_is_not_told() {
    let (mut world, session) = World::with_tiers().await;
    world.broker.trial = Some(Trial {
        policy: Arc::new(FakePolicy::new(Rules::permit(&[("orders", "write")]))),
        credentials: world.broker.settings.credentials.clone(),
    });
    world.pending(session.id, write()).await;
    assert_eq!(world.events(), ["started", "asked"]);
    world.token(session.id, ask()).await.unwrap();
    assert_eq!(
        world.events(),
        ["started", "asked", "would be refused", "issued"]
    );
}
