//! What may pass, and for how long that is remembered.

use std::future::ready;

use valetkey_codes::Code;
use valetkey_core::{Event, Refusal, Tier, lifecycle, policies};
use valetkey_egress::{Gate as _, Used};
use valetkey_support::fakes::policy::Rules;

use crate::house::{API, House, connect, origin, request};

fn open() -> Rules {
    Rules::permit(&[])
        .network(Tier::Auto, "connect", API)
        .network(Tier::Auto, "GET", &format!("{API}/"))
        .network(Tier::Auto, "POST", &format!("{API}/"))
}

async fn code(house: &House, target: &valetkey_core::network::Target) -> Option<Code> {
    let passed = house.porter.pass(house.session, target).await;
    passed.err().map(|refusal| refusal.code())
}

#[tokio::test]
async fn leave_to_connect_is_one_record_until_its_lease_ends() {
    let house = House::new(open()).await;
    for _ in 0..50 {
        assert_eq!(code(&house, &connect(API)).await, None);
    }
    assert_eq!(house.issued(), 1);
    house.later(599);
    assert_eq!(code(&house, &connect(API)).await, None);
    assert_eq!(house.issued(), 1);
    house.later(1);
    assert_eq!(code(&house, &connect(API)).await, None);
    assert_eq!(house.issued(), 2);
}

#[tokio::test]
async fn what_policies_say_of_a_request_holds_for_a_second() {
    let house = House::new(open()).await;
    let get = request("GET", &format!("{API}/"));
    assert_eq!(code(&house, &get).await, None);
    assert_eq!(
        house.issued(),
        0,
        "a request that passes at once is counted, not recorded"
    );
    house.policy.write(Ok(Rules::permit(&[])));
    policies::reload(&house.broker).await.unwrap();
    // Nobody told the porter here, as the doors do: so it may be wrong, and no longer than that.
    assert_eq!(code(&house, &get).await, None);
    house.later(1);
    assert_eq!(code(&house, &get).await, Some(Code::Denied));
}

#[tokio::test]
async fn a_refusal_is_recorded_once_in_a_second_and_counted_beyond() {
    let house = House::new(open()).await;
    let other = connect("https://other.example.test");
    let first = house.porter.pass(house.session, &other).await;
    let first = first.unwrap_err();
    assert_eq!(first.code(), Code::Denied);
    assert!(first.request().is_some(), "to be explained by");
    for _ in 1..100 {
        let again = house.porter.pass(house.session, &other).await;
        assert_eq!(again.as_ref(), Err(&first));
    }
    assert_eq!(house.refused(), 1);
    house.porter.record(ready(())).await;
    let passed = house.passed();
    assert_eq!(passed.len(), 1);
    let counted = passed.first().unwrap();
    assert_eq!((counted.refused, counted.requests), (99, 0));
    assert_eq!(counted.origin, "https://other.example.test");
}

#[tokio::test]
async fn who_asks_too_often_is_refused_without_a_record() {
    let house = House::new(open()).await;
    let mut codes = Vec::new();
    for n in 0..250 {
        codes.push(code(&house, &connect(&format!("https://h{n}.example.test"))).await);
    }
    let slowed = codes
        .iter()
        .filter(|code| **code == Some(Code::TooManyRequests));
    assert_eq!(slowed.count(), 50);
    assert_eq!(house.refused(), 200);
    house.later(1);
    assert_eq!(code(&house, &connect(API)).await, None);
}

#[tokio::test]
async fn an_alarm_is_recorded_however_much_else_is_refused() {
    let house = House::new(open()).await;
    for n in 0..250 {
        code(&house, &connect(&format!("https://h{n}.example.test"))).await;
    }
    let alarms = || {
        house.count(|event| matches!(event, Event::NetworkRefused { code, .. } if code == "placeholder_misused"))
    };
    let misused = Refusal::new(Code::PlaceholderMisused);
    house.porter.refused(house.session, API, &misused).await;
    assert_eq!(alarms(), 1);
    // Nor do alarms flood the ledger, or hide one about something else, or the others that came with them.
    for _ in 0..250 {
        house.porter.refused(house.session, API, &misused).await;
    }
    assert_eq!(alarms(), 200);
    let other = Refusal::new(Code::PlaceholderMisused).because("another");
    house.porter.refused(house.session, API, &other).await;
    assert_eq!(alarms(), 201);
    house.later(1);
    house.porter.refused(house.session, API, &misused).await;
    let told = |event: &Event| matches!(event, Event::NetworkRefused { detail: Some(detail), .. } if detail.contains("51 more"));
    assert_eq!(house.count(told), 1);
}

#[tokio::test]
async fn what_is_remembered_is_of_no_use_to_a_session_that_may_not_ask() {
    let house = House::new(open()).await;
    assert_eq!(code(&house, &connect(API)).await, None);
    lifecycle::lock(&house.broker, "lunch").await.unwrap();
    assert_eq!(code(&house, &connect(API)).await, Some(Code::Locked));
    lifecycle::unlock(&house.broker).await.unwrap();
    assert_eq!(code(&house, &connect(API)).await, None);
    lifecycle::end(&house.broker, house.session).await.unwrap();
    assert_eq!(code(&house, &connect(API)).await, Some(Code::SessionEnded));
}

#[tokio::test]
async fn a_profile_that_only_reads_lets_nothing_else_pass_whatever_the_policies_say() {
    let house = House::with_profile(open(), "read-only").await;
    let to = |method| request(method, &format!("{API}/"));
    assert_eq!(code(&house, &to("GET")).await, None);
    assert_eq!(code(&house, &to("POST")).await, Some(Code::Denied));
    assert!(
        house
            .porter
            .looks_into(house.session, &origin("https://any.example.test"))
    );
    let writes = House::new(open()).await;
    assert_eq!(code(&writes, &to("POST")).await, None);
    let porter = &writes.porter;
    assert!(!porter.looks_into(writes.session, &origin("https://any.example.test")));
    assert!(
        porter.looks_into(writes.session, &origin(API)),
        "a credential goes there"
    );
    // What the host was told there may be heard at another port of it, which is no more looked into for that.
    let port = origin("http://api.example.test:8080");
    assert_eq!(porter.lenders(&port), porter.lenders(&origin(API)));
    assert!(!porter.looks_into(writes.session, &port));
    let other = origin("https://any.example.test");
    assert_eq!(porter.lenders(&other), [0; 0]);
}

#[tokio::test]
async fn what_passes_is_recorded_in_one_line_for_each_origin_and_credential() {
    let house = House::new(open()).await;
    let used = |credential: Option<&str>| Used {
        origin: origin(API),
        credential: credential.map(|name| valetkey_core::CredentialName::parse(name).unwrap()),
        requests: 1,
        sent: 10,
        received: 100,
    };
    for _ in 0..1000 {
        house.porter.used(house.session, used(Some("key")));
    }
    house.porter.used(house.session, used(None));
    house.porter.record(ready(())).await;
    let mut passed = house.passed();
    passed.sort_by_key(|line| line.requests);
    let shown: Vec<_> = passed
        .iter()
        .map(|line| {
            (
                line.requests,
                line.sent,
                line.received,
                line.credential.is_some(),
            )
        })
        .collect();
    assert_eq!(shown, [(1, 10, 100, false), (1000, 10_000, 100_000, true)]);
    house.porter.record(ready(())).await;
    assert_eq!(house.passed().len(), 2, "nothing is told twice");
}

/// A person would be asked about what is refused anyway.
#[tokio::test]
async fn nobody_is_asked_about_a_host_that_lies_where_nothing_leads() {
    let inside = "https://inside.test";
    let rules = open().network(Tier::Human, "connect", inside);
    let house = House::new(rules).await;
    let refused = house.porter.pass(house.session, &connect(inside)).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Code::AddressRefused);
    assert!(refused.message().contains("10.0.0.1:443"), "{refused:?}");
    assert_eq!(house.refused(), 0, "no request of the flow");
}
