//! Values that are lent.

use std::sync::Arc;

use valetkey_codes::Code;
use valetkey_core::{AccountName, Tier, approval::Answer, approvals, lifecycle, network::Target};
use valetkey_egress::{Gate as _, Way};
use valetkey_support::fakes::policy::Rules;

use crate::house::{API, House, origin, request};

fn open() -> Rules {
    Rules::permit(&[("key", "read")])
}

fn way(house: &House, method: &str) -> Way {
    let target: Target = request(method, &format!("{API}/x"));
    house.porter.ways(&target).pop().unwrap()
}

async fn lend(house: &House, method: &str) -> Result<Arc<valetkey_egress::Loan>, Code> {
    let way = way(house, method);
    let lent = house.porter.lend(house.session, &way, &origin(API)).await;
    lent.map_err(|refusal| refusal.code())
}

#[tokio::test]
async fn however_many_want_it_it_is_asked_for_once_and_again_when_it_has_ended() {
    let house = Arc::new(House::new(open()).await);
    let asking = (0..64).map(|_| {
        let house = Arc::clone(&house);
        tokio::spawn(async move { lend(&house, "GET").await.is_ok() })
    });
    for asked in asking.collect::<Vec<_>>() {
        assert!(asked.await.unwrap());
    }
    assert_eq!((house.issued(), house.sources.obtained()), (1, 1));
    let first = lend(&house, "GET")
        .await
        .unwrap_or_else(|code| panic!("{code:?}"));
    house.later(600);
    let second = lend(&house, "GET")
        .await
        .unwrap_or_else(|code| panic!("{code:?}"));
    assert!(!Arc::ptr_eq(&first, &second));
    assert_eq!(house.issued(), 2);
}

#[tokio::test]
async fn nothing_is_lent_beyond_what_is_granted() {
    let house = House::new(open()).await;
    assert_eq!(way(&house, "GET").scope, "read");
    assert_eq!(way(&house, "POST").scope, "write");
    assert_eq!(lend(&house, "POST").await.err(), Some(Code::Denied));
    assert!(
        house
            .porter
            .ways(&request("GET", "https://other.example.test/"))
            .is_empty()
    );
    let way = way(&house, "GET");
    let elsewhere = origin("https://other.example.test");
    let lent = house.porter.lend(house.session, &way, &elsewhere).await;
    assert_eq!(
        lent.err().map(|refusal| refusal.code()),
        Some(Code::InvalidTarget)
    );
    lifecycle::end(&house.broker, house.session).await.unwrap();
    assert_eq!(lend(&house, "GET").await.err(), Some(Code::SessionEnded));
}

#[tokio::test]
async fn a_loan_ends_with_the_yes_that_it_rests_on() {
    let rules = Rules::permit(&[]).and(Tier::Human, &[("key", "read")]);
    let house = House::new(rules).await;
    let way = way(&house, "GET");
    let origin = origin(API);
    let pending = house
        .porter
        .lend(house.session, &way, &origin)
        .await
        .err()
        .unwrap();
    let id = pending.approval().unwrap();
    let question = approvals::find(&house.broker, id).unwrap();
    let digest = question.digest();
    let alice = AccountName::parse("alice").unwrap();
    let given = approvals::Given {
        approval: id,
        digest: digest.as_str(),
        answer: Answer::Session,
        via: "socket",
    };
    approvals::answer_as(&house.broker, &alice, given)
        .await
        .unwrap();
    assert!(lend(&house, "GET").await.is_ok());
    approvals::take_back(&house.broker, &alice, id)
        .await
        .unwrap();
    assert_eq!(lend(&house, "GET").await.err(), Some(Code::ApprovalPending));
}

/// Each is a value that is looked for in answers, and a place in memory.
#[tokio::test]
async fn of_as_many_hosts_as_an_agent_can_think_of_few_have_a_loan() {
    let house = House::new(open()).await;
    let way = way(&house, "GET");
    let lend = async |n: usize| {
        let origin = origin(&format!("https://h{n}.many.test"));
        let lent = house.porter.lend(house.session, &way, &origin).await;
        lent.map(drop).map_err(|refusal| refusal.code())
    };
    for n in 0..128 {
        assert_eq!(lend(n).await, Ok(()), "{n}");
    }
    house.later(3);
    assert_eq!(lend(128).await, Err(Code::TooManyRequests));
    assert_eq!(lend(0).await, Ok(()), "what there is goes on");
    house.later(600);
    assert_eq!(lend(128).await, Ok(()));
}
