//! What a session's proxy asks for in its stead.

use std::sync::Arc;

use valetkey_codes::Code;
use valetkey_core::{
    ApprovalId, Audience, Audiences, Caller, Credential, CredentialName, Delivery, Event, Inject,
    Injection, Placement, Refusal, ScopeSet, SecretName, Session, SourceKind, Tier,
    approval::Answer,
    approvals, lifecycle,
    network::{Origin, OriginPattern, Target},
    passage,
    ports::Effect,
    request::Ask,
};
use valetkey_support::fakes::policy::Rules;

use crate::{
    doors::Told,
    world::{World, account},
};

const API: &str = "https://api.example.test";

/// A world that has the network and a key for an API.
pub(crate) async fn world(rules: Rules) -> (World, Arc<Session>, Arc<Caller>) {
    let (mut world, session) = World::with_session_and(Effect::Local).await;
    let orders = world.broker.settings.credentials.find("orders").unwrap();
    let named = |name: &str, first: &str| Credential {
        name: CredentialName::parse(name).unwrap(),
        audiences: Audiences {
            first: Audience::parse(first).unwrap(),
            others: Vec::new(),
        },
        ..Credential::clone(&orders)
    };
    let network = Credential {
        source: SourceKind::Network,
        scopes: ScopeSet::default(),
        delivery: Delivery::Pass,
        ..named(Credential::NETWORK, "https://*")
    };
    let way = Injection {
        hosts: vec![OriginPattern::parse("api.example.test").unwrap()],
        methods: Vec::new(),
        paths: Vec::new(),
        scope: None,
        place: Placement::Query {
            name: "key".to_owned(),
        },
        always: true,
    };
    let key = Credential {
        source: SourceKind::Static,
        delivery: Delivery::Inject(Inject {
            ways: vec![Arc::new(way)],
            secret: SecretName::parse("key").unwrap(),
            variable: None,
            prefix: String::new(),
            base_url: None,
        }),
        ..named("key", API)
    };
    world.broker.settings.credentials = [Credential::clone(&orders), network, key]
        .into_iter()
        .collect();
    world.policy.follow(rules);
    let caller = Arc::new(world.callers.caller().unwrap());
    (world, session, caller)
}

fn origin(url: &str) -> Origin {
    Origin::split(url).unwrap().0
}

fn connect(url: &str) -> Target {
    Target::Connect(origin(url))
}

fn get(url: &str) -> Target {
    let (origin, path) = Origin::split(url).unwrap();
    Target::Request {
        origin,
        method: "GET".into(),
        path: path.into(),
    }
}

fn code<T>(answer: Result<T, Refusal>) -> Option<Code> {
    answer.err().map(|refusal| refusal.code())
}

#[tokio::test]
async fn leave_is_asked_for_and_recorded_as_any_grant_and_has_no_token() {
    let rules = Rules::permit(&[]).network(Tier::Auto, "connect", API);
    let (world, session, caller) = world(rules).await;
    passage::leave(&world.broker, session.id, &caller, &connect(API))
        .await
        .unwrap();
    let Event::TokenIssued { lease, .. } = world.last() else {
        panic!("{:?}", world.last());
    };
    assert_eq!(lease.credential.as_str(), "network");
    assert_eq!(lease.grant.scopes.to_string(), "connect");
    assert_eq!(lease.grant.audience.as_str(), API);

    let elsewhere = connect("https://other.example.test");
    let refused = passage::leave(&world.broker, session.id, &caller, &elsewhere).await;
    assert_eq!(code(refused), Some(Code::Denied));
    let Event::TokenRefused { audience, .. } = world.last() else {
        panic!("{:?}", world.last());
    };
    assert_eq!(audience.as_deref(), Some("https://other.example.test"));
}

#[tokio::test]
async fn an_agent_is_given_neither_leave_nor_what_is_injected() {
    let rules = Rules::permit(&[("key", "read"), ("network", "connect")]);
    let (world, session, _) = world(rules).await;
    let ask = |credential: &str, scope: &str| Ask {
        credential: credential.to_owned(),
        scopes: vec![scope.to_owned()],
        audience: Some(API.to_owned()),
        ..Ask::default()
    };
    let key = world.token(session.id, ask("key", "read")).await;
    assert_eq!(code(key), Some(Code::InjectOnly));
    let leave = world.token(session.id, ask("network", "connect")).await;
    assert_eq!(code(leave), Some(Code::UnknownCredential));
    assert_eq!(world.source.fake.obtained(), 0);
    assert_eq!(world.policy.heard(), [""; 0], "nothing was decided");
}

#[tokio::test]
async fn a_value_is_borrowed_for_the_hosts_that_it_is_for() {
    let rules = Rules::permit(&[("key", "read"), ("orders", "read")]);
    let (world, session, caller) = world(rules).await;
    let key = CredentialName::parse("key").unwrap();
    let borrow = async |scope: &str, url: &str| {
        let origin = origin(url);
        passage::borrow(&world.broker, session.id, &caller, (&key, scope), &origin).await
    };
    assert!(borrow("read", API).await.is_ok());
    for url in [
        "https://evil.example.test",
        "http://api.example.test",
        "https://api.example.test:8443",
    ] {
        assert_eq!(
            code(borrow("read", url).await),
            Some(Code::InvalidTarget),
            "{url}"
        );
    }
    assert_eq!(code(borrow("write", API).await), Some(Code::Denied));
    assert_eq!(code(borrow("admin", API).await), Some(Code::InvalidScope));
    // What an agent may be given is not the proxy's to use.
    let orders = CredentialName::parse("orders").unwrap();
    let origin = origin("https://orders.example.test");
    let borrowed = passage::borrow(
        &world.broker,
        session.id,
        &caller,
        (&orders, "read"),
        &origin,
    )
    .await;
    assert_eq!(code(borrowed), Some(Code::UnknownCredential));
}

#[tokio::test]
async fn a_person_is_asked_and_their_yes_is_for_what_they_saw() {
    let rules = Rules::permit(&[])
        .network(Tier::Human, "connect", API)
        .network(Tier::Human, "connect", "https://other.example.test");
    let (world, session, caller) = world(rules).await;
    let leave =
        async |target: &Target| passage::leave(&world.broker, session.id, &caller, target).await;
    let pending = leave(&connect(API)).await.err().unwrap();
    assert_eq!(pending.code(), Code::ApprovalPending);
    let id = pending.approval().unwrap();
    let account = account("alice");
    yes(&world, id, Answer::Session).await;
    let released = leave(&connect(API)).await.unwrap();
    assert_eq!(released.approval(), Some(id));
    let elsewhere = leave(&connect("https://other.example.test")).await;
    assert_eq!(code(elsewhere), Some(Code::ApprovalPending));
    let more = leave(&get(&format!("{API}/"))).await;
    assert_eq!(code(more), Some(Code::Denied));

    // What is used for a while ends when the yes is taken back.
    assert!(approvals::not_taken_back(&world.broker, session.id, Some(id)).is_ok());
    approvals::take_back(&world.broker, &account, id)
        .await
        .unwrap();
    assert!(approvals::not_taken_back(&world.broker, session.id, Some(id)).is_err());
    let cut = |times| assert_eq!(world.doors.told()[1..], vec![Told::Cut(session.id); times]);
    cut(1);
    // Once more, for whoever is not sure that it was.
    let again = approvals::take_back(&world.broker, &account, id).await;
    assert_eq!(code(again), Some(Code::ApprovalSettled));
    cut(2);
}

async fn yes(world: &World, id: ApprovalId, answer: Answer) {
    let question = approvals::find(&world.broker, id).unwrap();
    let digest = question.digest();
    let given = approvals::Given {
        approval: id,
        digest: digest.as_str(),
        answer,
        via: "socket",
    };
    approvals::answer_as(&world.broker, &account("alice"), given)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_began_with_a_yes_that_is_spent_is_cut_too() {
    let rules = Rules::permit(&[]).network(Tier::Human, "connect", API);
    let (world, session, caller) = world(rules).await;
    let target = connect(API);
    let leave = async || passage::leave(&world.broker, session.id, &caller, &target).await;
    let id = leave().await.err().unwrap().approval().unwrap();
    yes(&world, id, Answer::Once).await;
    leave().await.unwrap();
    let spent = approvals::take_back(&world.broker, &account("alice"), id).await;
    assert_eq!(code(spent), Some(Code::ApprovalSettled));
    assert_eq!(world.doors.told()[1..], [Told::Cut(session.id)]);
}

#[tokio::test]
async fn single_requests_are_the_policies_affair() {
    let rules = Rules::permit(&[])
        .network(Tier::Auto, "GET", &format!("{API}/open"))
        .network(Tier::Human, "GET", &format!("{API}/asked"));
    let (world, session, _) = world(rules).await;
    let passes = |path: &str| {
        passage::passes_at_once(&world.broker, session.id, &get(&format!("{API}{path}")))
    };
    assert_eq!(passes("/open"), Ok(true));
    assert_eq!(passes("/asked"), Ok(false));
    assert_eq!(passes("/other"), Ok(false));
    world.policy.follow(Rules::failing());
    assert_eq!(
        passes("/open"),
        Ok(false),
        "an engine that fails lets nothing pass"
    );
    lifecycle::end(&world.broker, session.id).await.unwrap();
    assert_eq!(code(passes("/open")), Some(Code::SessionEnded));
}
