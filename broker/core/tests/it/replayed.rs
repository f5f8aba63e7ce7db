//! The ledger's requests, asked again: explain and simulate.

use std::path::Path;

use valetkey_codes::Code;
use valetkey_core::{
    Event, ProfileName, RequestId, Tier,
    approval::Answer,
    lifecycle,
    network::Origin,
    passage,
    policies::{self, About, Explained, Hypothetical, Part, Simulated},
    ports::{LoginEvents as _, PolicyError},
    request::Ask,
};
use valetkey_support::fakes::policy::Rules;

use crate::{
    people::{nth, tiers, write},
    world::{World, account, ask, user},
};

async fn simulated(world: &World, changed: Rules, days: u32) -> Simulated {
    world.changed_policy.follow(changed);
    policies::simulate(&world.broker, Path::new("/etc/policies"), days)
        .await
        .unwrap()
}

async fn explained(world: &World, request: RequestId) -> Explained {
    let part = Part::parse(&request.to_string()).unwrap();
    policies::explain(&world.broker, About::Request(part))
        .await
        .unwrap()
}

fn last_request(world: &World) -> RequestId {
    world.records().pop().unwrap().request.unwrap()
}

#[tokio::test]
async fn a_changed_folder_is_asked_about_everything_that_was_asked() {
    let (world, session) = World::with_tiers().await;
    world.token(session.id, ask()).await.unwrap();
    let id = world.pending(session.id, write()).await;
    world.say("alice", id, Answer::Session).await.unwrap();
    world.token(session.id, write()).await.unwrap();
    let denied = Ask {
        credential: "bills".into(),
        scopes: vec!["read write".into()],
        ..ask()
    };
    world.policy.follow(tiers().forbid(&[("bills", "read")]));
    world.refused(session.id, denied).await;

    let same = simulated(&world, tiers().forbid(&[("bills", "read")]), 1).await;
    assert_eq!((same.requests, same.skipped, same.differing), (4, 0, 0));

    let stricter =
        Rules::permit(&[]).human(&[("orders", "write"), ("bills", "read"), ("bills", "write")]);
    let simulated = simulated(&world, stricter, 1).await;
    assert_eq!((simulated.requests, simulated.differing), (4, 2));
    let listed: Vec<_> = simulated
        .listed
        .iter()
        .map(|one| (one.credential.as_str(), one.tier, one.would_be))
        .collect();
    let expected = [
        ("bills", Tier::Deny, Tier::Human),
        ("orders", Tier::Auto, Tier::Deny),
    ];
    assert_eq!(listed, expected, "newest first");
    let newest = simulated.listed.front().unwrap();
    assert_eq!(newest.policies, ["human bills read", "human bills write"]);
    assert_eq!(newest.session, session.id);
    assert_eq!(newest.request, last_request(&world));
}

#[tokio::test]
async fn only_the_last_days_are_asked_about() {
    let (world, session) = World::with_tiers().await;
    world.token(session.id, ask()).await.unwrap();
    world.clock.pass_seconds(2 * 86_400);
    let later = world.session("alice", "coder").await;
    world.token(later.id, ask()).await.unwrap();
    for (days, requests) in [(0, 1), (1, 1), (2, 2), (u32::MAX, 2)] {
        let simulated = simulated(&world, Rules::permit(&[]), days).await;
        assert_eq!(simulated.requests, requests, "{days}");
        assert_eq!(simulated.differing, requests);
    }
}

/// Whoever was in a group then is asked about as a member.
#[tokio::test]
async fn groups_are_those_of_the_time() {
    let (world, session) = World::with_tiers().await;
    world.token(session.id, ask()).await.unwrap();
    let follow = lifecycle::SessionsFollowLogins::new(world.broker.clone());
    follow
        .confirmed(&account("alice"), &user("alice", "ops"))
        .await;
    world.token(session.id, ask()).await.unwrap();
    simulated(&world, tiers(), 1).await;
    let heard = world.changed_policy.heard();
    let groups: Vec<_> = heard
        .iter()
        .map(|heard| (heard.contains("\"dev\""), heard.contains("\"ops\"")))
        .collect();
    assert_eq!(groups, [(true, false), (false, true)]);
}

#[tokio::test]
async fn what_cannot_be_asked_again_is_counted() {
    let (mut world, session) = World::with_tiers().await;
    world.token(session.id, ask()).await.unwrap();
    let nonesuch = Ask {
        credential: "nonesuch".into(),
        ..ask()
    };
    world.refused(session.id, nonesuch).await;
    let nobody = valetkey_core::SessionId::parse("0198c0de000070008000000000000bad").unwrap();
    world.refused(nobody, ask()).await;
    let counted = simulated(&world, tiers(), 1).await;
    assert_eq!((counted.requests, counted.skipped), (3, 2));
    // A credential that was renamed since.
    let bills = world.broker.settings.credentials.find("bills").unwrap();
    let bills = valetkey_core::Credential::clone(&bills);
    world.broker.settings.credentials = [bills].into_iter().collect();
    let counted = simulated(&world, tiers(), 1).await;
    assert_eq!((counted.requests, counted.skipped), (3, 3));
}

#[tokio::test]
async fn policies_that_fail_are_counted_and_a_folder_that_does_not_load_is_refused() {
    let (world, session) = World::with_tiers().await;
    world.token(session.id, ask()).await.unwrap();
    let counted = simulated(&world, Rules::failing(), 1).await;
    assert_eq!((counted.requests, counted.skipped), (1, 1));
    assert_eq!(counted.differing, 0);

    let (mut world, _) = World::with_tiers().await;
    world.broker.ports.lab = std::sync::Arc::new(Broken);
    let folder = Path::new("/etc/policies");
    let refused = policies::simulate(&world.broker, folder, 1).await;
    assert_eq!(refused.unwrap_err().code(), Code::PolicyInvalid);
    let refused = policies::check(&world.broker, Some(folder), None);
    assert_eq!(refused.unwrap_err().code(), Code::PolicyInvalid);
}

/// Nothing is put in force, recorded or asked of anybody.
#[tokio::test]
async fn a_try_leaves_no_trace() {
    let (world, session) = World::with_tiers().await;
    world.token(session.id, ask()).await.unwrap();
    let request = last_request(&world);
    let before = world.events();
    simulated(&world, Rules::permit(&[]), 1).await;
    explained(&world, request).await;
    assert_eq!(world.events(), before);
    world.token(session.id, ask()).await.unwrap();
}

#[tokio::test]
async fn every_request_is_explained_by_its_id() {
    let (world, session) = World::with_tiers().await;
    world.token(session.id, ask()).await.unwrap();
    let granted = explained(&world, last_request(&world)).await;
    assert_eq!(granted.outcome.as_deref(), Some("granted"));
    assert_eq!(granted.explanation.tier, Tier::Auto);
    let question = "agent `coder` of `id-of-alice` asks for `orders`, scopes `read`, for \
                    https://orders.example.test, 600 s";
    assert_eq!(granted.question, question);

    world.pending(session.id, write()).await;
    let asked = explained(&world, last_request(&world)).await;
    let outcome = asked.outcome.as_deref();
    assert_eq!(outcome, Some("put to approval, tier human"));
    assert_eq!(asked.explanation.tier, Tier::Human);

    world.pending(session.id, nth(0)).await;
    let joined = explained(&world, last_request(&world)).await;
    let outcome = "refused (approval_pending: a question that is open covers it)";
    assert_eq!(joined.outcome.as_deref(), Some(outcome));

    world.policy.follow(Rules::permit(&[]));
    world.refused(session.id, ask()).await;
    let denied = explained(&world, last_request(&world)).await;
    let outcome = "refused (denied: no policy permits it)";
    assert_eq!(denied.outcome.as_deref(), Some(outcome));
    assert_eq!(denied.explanation.tier, Tier::Deny);

    let nobody = Part::parse("0198c0de000070008000000000000bad").unwrap();
    let refused = policies::explain(&world.broker, About::Request(nobody)).await;
    assert_eq!(refused.unwrap_err().code(), Code::InvalidRequest);
}

#[tokio::test]
async fn a_part_of_an_id_is_enough_where_one_request_has_it() {
    let (world, session) = World::with_tiers().await;
    world.token(session.id, ask()).await.unwrap();
    let first = last_request(&world).to_string();
    world.token(session.id, ask()).await.unwrap();
    let second = last_request(&world).to_string();
    let about = async |part: &str| {
        let about = About::Request(Part::parse(part).unwrap());
        policies::explain(&world.broker, about).await
    };
    for id in [&first, &second] {
        about(id.split_at(26).1).await.unwrap();
    }
    let (beginning, _) = first.split_at(6);
    assert!(second.starts_with(beginning), "they begin with the time");
    let refused = about(beginning).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidRequest);
    assert!(
        refused.message().contains("several requests"),
        "{refused:?}"
    );
}

/// The network, and what no agent is shown: both are asked about as the proxy asks.
#[tokio::test]
async fn what_the_proxy_would_ask_for_is_explained() {
    let rules = Rules::permit(&[("key", "read")])
        .network(Tier::Human, "connect", "https://new.example.test")
        .network(Tier::Review, "POST", "https://new.example.test/v1");
    let (world, session, caller) = crate::passage::world(rules).await;
    let explained = async |profile: Option<&str>, ask: Ask| {
        let hypothetical = Hypothetical {
            session: None,
            account: account("alice"),
            agent: session.agent.clone(),
            profile: profile.map(|name| ProfileName::parse(name).unwrap()),
            ask,
        };
        let about = About::Hypothetical(hypothetical);
        policies::explain(&world.broker, about).await.unwrap()
    };
    let leave = |connect, request| {
        let target = policies::target(connect, request).unwrap().unwrap();
        policies::leave(&target).unwrap()
    };
    let asks = "agent `coder` of `alice`";

    let reached = explained(Some("open"), leave(Some("https://new.example.test"), None)).await;
    assert_eq!(reached.explanation.tier, Tier::Human);
    let question = "in the profile `open` asks to reach https://new.example.test, 600 s";
    assert_eq!(reached.question, format!("{asks} {question}"));
    assert!(world.policy.heard().pop().unwrap().contains("\"open\""));

    let sent = explained(None, leave(None, Some("POST https://new.example.test/v1"))).await;
    assert_eq!(sent.explanation.tier, Tier::Review);
    let question = "asks to send `POST https://new.example.test/v1`, 600 s";
    assert_eq!(sent.question, format!("{asks} {question}"));

    let key = Ask {
        credential: "key".into(),
        ..ask()
    };
    let injected = explained(None, key).await;
    assert_eq!(injected.explanation.tier, Tier::Auto);
    let question = "asks for `key`, scopes `read`, for https://api.example.test, 600 s";
    assert_eq!(injected.question, format!("{asks} {question}"));

    // What was asked for in earnest reads the same.
    let (target, _) = Origin::split("https://new.example.test").unwrap();
    let target = valetkey_core::network::Target::Connect(target);
    let asked = passage::leave(&world.broker, session.id, &caller, &target).await;
    asked.map(|_| ()).unwrap_err();
    let past = self::explained(&world, last_request(&world)).await;
    assert!(
        past.question
            .ends_with("asks to reach https://new.example.test, 600 s")
    );
    assert_eq!(past.outcome.as_deref(), Some("put to approval, tier human"));
}

#[tokio::test]
async fn a_request_that_nobody_made_is_explained_too() {
    let (mut world, session) = World::with_tiers().await;
    let hypothetical = Hypothetical {
        session: None,
        account: account("alice"),
        agent: session.agent.clone(),
        profile: None,
        ask: write(),
    };
    let about = |hypothetical: &Hypothetical| About::Hypothetical(hypothetical.clone());
    let explained = policies::explain(&world.broker, about(&hypothetical)).await;
    let explained = explained.unwrap();
    assert_eq!(
        (explained.outcome, explained.explanation.tier),
        (None, Tier::Human)
    );
    assert_eq!(world.questions(), 0, "nothing is asked");
    assert_eq!(world.events(), ["started"]);

    let of_session = Hypothetical {
        session: Some(session.id),
        account: account("mallory"),
        ..hypothetical.clone()
    };
    policies::explain(&world.broker, about(&of_session))
        .await
        .unwrap();
    for (wrong, code) in [
        (
            Hypothetical {
                account: account("mallory"),
                ..hypothetical.clone()
            },
            Code::NotLoggedIn,
        ),
        (
            Hypothetical {
                ask: Ask {
                    scopes: vec!["rule".into()],
                    ..ask()
                },
                ..hypothetical.clone()
            },
            Code::InvalidScope,
        ),
    ] {
        let refused = policies::explain(&world.broker, about(&wrong)).await;
        assert_eq!(refused.unwrap_err().code(), code);
    }
    // What the configuration adds to the policies is in the answer.
    let mut orders = valetkey_core::Credential::clone(
        &world.broker.settings.credentials.find("orders").unwrap(),
    );
    orders.min_tier = Tier::Deny;
    world.broker.settings.credentials = [orders].into_iter().collect();
    let explained = policies::explain(&world.broker, about(&hypothetical)).await;
    assert_eq!(explained.unwrap().explanation.tier, Tier::Deny);
}

#[tokio::test]
async fn a_long_ledger_is_read_to_its_end() {
    let (world, session) = World::with_tiers().await;
    for _ in 0..2100 {
        world.token(session.id, ask()).await.unwrap();
    }
    let simulated = simulated(&world, Rules::permit(&[]), 1).await;
    assert_eq!((simulated.requests, simulated.differing), (2100, 2100));
    assert_eq!(simulated.listed.len(), 1000, "the last of them");
    let newest = simulated.listed.front().unwrap();
    assert_eq!(newest.request, last_request(&world));
}

#[tokio::test]
async fn reading_again_puts_in_force_what_is_good_and_keeps_it_otherwise() {
    let (world, session) = World::with_tiers().await;
    world
        .policy
        .write(Err(PolicyError::Invalid("line 3\u{7}".into())));
    let refused = policies::reload(&world.broker).await.unwrap_err();
    assert_eq!(refused.code(), Code::PolicyInvalid);
    assert_eq!(
        refused.message(),
        "line 3\u{fffd}; the earlier policies stay in force"
    );
    assert!(matches!(world.last(), Event::PoliciesRejected { .. }));
    world.token(session.id, ask()).await.unwrap();
    world.policy.write(Ok(Rules::permit(&[])));
    policies::reload(&world.broker).await.unwrap();
    assert!(matches!(world.last(), Event::PoliciesLoaded { .. }));
    assert_eq!(world.refused(session.id, ask()).await.code(), Code::Denied);
}

struct Broken;

impl valetkey_core::ports::PolicyLab for Broken {
    fn explain(
        &self,
        _: &valetkey_core::ports::Question<'_>,
        _: &valetkey_core::Credentials,
    ) -> Result<valetkey_core::ports::Explanation, PolicyError> {
        Err(PolicyError::Engine("told to fail".into()))
    }

    fn candidate(
        &self,
        _: &[std::path::PathBuf],
    ) -> Result<std::sync::Arc<dyn valetkey_core::ports::Policy>, PolicyError> {
        Err(PolicyError::Invalid("line 3".into()))
    }

    fn check(
        &self,
        _: Option<&Path>,
        _: Option<&Path>,
        _: &valetkey_core::Credentials,
    ) -> Result<valetkey_core::ports::Checked, PolicyError> {
        Err(PolicyError::Invalid("line 3".into()))
    }
}
