//! Who is an admin, and on whose word.

use valetkey_codes::Code;
use valetkey_core::{
    Event, lifecycle,
    lifecycle::RevokeTarget,
    ports::{LedgerError, SessionFilter},
};

use crate::world::{World, account, ask};

#[tokio::test]
async fn the_provider_is_asked_for_a_fresh_word() {
    let (world, _session) = World::with_session().await;
    assert_eq!(
        world.logins.asked_within(),
        [0; 0],
        "a session begins on the known one"
    );
    lifecycle::authority(&world.broker, &account("boss"), "list")
        .await
        .unwrap();
    assert_eq!(world.logins.asked_within(), [77]);
}

#[tokio::test]
async fn whoever_is_neither_admin_nor_auditor_is_refused_and_that_is_recorded() {
    let (world, _session) = World::with_session().await;
    world.logins.kill(&account("bob"), "invalid_grant");
    for (name, code) in [
        ("alice", Code::NotAdmin),
        ("mallory", Code::NotLoggedIn),
        ("bob", Code::LoginExpired),
    ] {
        let refused = lifecycle::authority(&world.broker, &account(name), "list").await;
        assert_eq!(refused.unwrap_err().code(), code, "{name}");
        let refused = Event::AdminRefused {
            account: account(name),
            action: "list".to_owned(),
            code: code.row().id.to_owned(),
        };
        assert_eq!(world.last(), refused, "{name}");
    }
}

#[tokio::test]
async fn an_auditor_lists_and_does_not_revoke() {
    let (world, session) = World::with_session().await;
    let eve = account("eve");
    let authority = lifecycle::authority(&world.broker, &eve, "list")
        .await
        .unwrap();
    let listed = lifecycle::list(&world.broker, &authority, SessionFilter::Live)
        .await
        .unwrap();
    assert_eq!(listed, std::slice::from_ref(&session));

    for target in [RevokeTarget::Session(session.id), RevokeTarget::All] {
        let refused = lifecycle::revoke(&world.broker, &authority, &eve, target, "drill").await;
        assert_eq!(refused.unwrap_err().code(), Code::NotAdmin);
        let Event::AdminRefused { action, code, .. } = world.last() else {
            panic!("{:?}", world.last())
        };
        assert_eq!((action.as_str(), code.as_str()), ("revoke", "not_admin"));
    }
    world.token(session.id, ask()).await.unwrap();
}

#[tokio::test]
async fn an_attempt_that_cannot_be_recorded_is_refused_all_the_same() {
    let (world, _session) = World::with_session().await;
    world.ledger.straight.break_with(Some(LedgerError::Slow));
    let refused = lifecycle::authority(&world.broker, &account("alice"), "list").await;
    assert_eq!(refused.unwrap_err().code(), Code::AuditUnavailable);
}
