//! What a session is told that it may ask for.

use valetkey_codes::Code;
use valetkey_core::{Tier, grants, lifecycle};
use valetkey_support::fakes::policy::Rules;

use crate::world::{OWNER, World};

fn offered(world: &World, session: &valetkey_core::Session) -> Vec<(String, Vec<String>)> {
    let offers = grants::offers(&world.broker, session).into_iter();
    offers
        .map(|offer| (offer.credential.name.to_string(), offer.at(Tier::Auto)))
        .collect()
}

#[tokio::test]
async fn only_what_the_policies_permit_is_offered() {
    let (world, session) = World::with_session().await;
    assert_eq!(
        offered(&world, &session),
        [("orders".to_owned(), vec!["read".to_owned()])]
    );
    world.policy.follow(
        Rules::permit(&[("orders", "read"), ("bills", "write")]).forbid(&[("orders", "read")]),
    );
    assert_eq!(
        offered(&world, &session),
        [("bills".to_owned(), vec!["write".to_owned()])]
    );
    world.policy.follow(Rules::failing());
    assert_eq!(offered(&world, &session), []);
}

#[tokio::test]
async fn only_its_own_callers_learn_of_a_session() {
    let (mut world, session) = World::with_session().await;
    let caller = world.callers.caller().unwrap();
    let known = grants::session(&world.broker, session.id, &caller);
    assert_eq!(known.unwrap().id, session.id);

    world.broker.settings.owner = OWNER + 1;
    let refused = grants::session(&world.broker, session.id, &caller).unwrap_err();
    assert_eq!(refused.code(), Code::CallerRefused);
    world.broker.settings.owner = OWNER;

    lifecycle::end(&world.broker, session.id).await.unwrap();
    let refused = grants::session(&world.broker, session.id, &caller).unwrap_err();
    assert_eq!(refused.code(), Code::SessionEnded);
}
