//! The machine is locked and unlocked, by its owner and by the admins.

use std::path::Path;

use valetkey_wire::{
    admin::{LockRequest as AdminLock, UnlockRequest as AdminUnlock, admin_client::AdminClient},
    agent::GetTokenRequest,
    developer::{HeldLock, LockRequest, StartSessionRequest, StatusRequest, UnlockRequest},
};

use crate::{
    house::House,
    pending::{DEPLOY, question},
    wire::{agent, as_account, channel, developer, form, get, json, sign, withdraw},
};

const TOKEN: &str = r#"{"credential":"files","scopes":["read"]}"#;

async fn refused(socket: &Path, code: &str) {
    assert_eq!(json(socket, TOKEN).await.json()["error"], code);
    assert_eq!(json(socket, DEPLOY).await.json()["error"], code);
    let exchange = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&credential=mail";
    let answer = form(socket, &format!("{exchange}&scope=read")).await;
    assert_eq!(answer.json()["code"], code);
    let ask = GetTokenRequest {
        credential: "files".into(),
        scopes: vec!["read".into()],
        ..Default::default()
    };
    let status = agent(socket).await.get_token(ask).await.err().unwrap();
    assert_eq!(sign(&status, "valetkey-code"), code);
    for path in ["/v1/session", "/v1/grants"] {
        assert_eq!(get(socket, path).await.json()["error"], code, "{path}");
    }
}

#[tokio::test]
async fn while_it_is_locked_every_session_refuses() {
    let house = House::new().await;
    let control = house.control();
    let mut client = developer(&control).await;
    let (_, socket) = house.session().await;
    let (_, other) = house.session().await;
    assert_eq!(json(&socket, TOKEN).await.status, 200);
    let id = question(&socket).await.to_string();

    let lock = LockRequest {
        reason: "lunch \u{1b}[2J".into(),
    };
    client.lock(lock.clone()).await.unwrap();
    refused(&socket, "locked").await;
    refused(&other, "locked").await;
    assert_eq!(withdraw(&socket, &id).await.json()["error"], "locked");
    let start = StartSessionRequest {
        account: "alice".into(),
        agent: "coder".into(),
        ..Default::default()
    };
    let status = client.start_session(start).await.unwrap_err();
    assert_eq!(sign(&status, "valetkey-code"), "locked");

    // Again: it stays as it was.
    house.clock.pass_seconds(60);
    client
        .lock(LockRequest {
            reason: "again".into(),
        })
        .await
        .unwrap();
    let status = client.status(StatusRequest {}).await.unwrap().into_inner();
    assert_eq!(
        status.locks,
        [HeldLock {
            holder: "owner".into(),
            by: None,
            reason: "lunch \u{fffd}[2J".into(),
            since: 1_800_000_000,
        }]
    );
    assert_eq!(status.requirements, ["minimum tier of `prod`: human"]);
    assert_eq!(house.recorded("machine_locked").len(), 1);

    let unlocked = client.unlock(UnlockRequest {}).await.unwrap().into_inner();
    assert_eq!(unlocked.admin, None);
    assert_eq!(json(&socket, TOKEN).await.status, 200);
    assert_eq!(question(&socket).await.to_string(), id);
    let status = client.status(StatusRequest {}).await.unwrap().into_inner();
    assert!(status.locks.is_empty());
}

#[tokio::test]
async fn an_admins_lock_is_not_the_owners_to_lift() {
    let house = House::new().await;
    let control = house.control();
    let mut owner = developer(&control).await;
    let mut admin = AdminClient::new(channel(&control.path).await);
    let (_, socket) = house.session().await;
    let lock = || AdminLock {
        reason: "incident 7".into(),
    };

    let status = admin.lock(lock()).await.unwrap_err();
    assert_eq!(sign(&status, "valetkey-code"), "invalid_request");
    for (account, code) in [("alice", "not_admin"), ("nobody", "not_logged_in")] {
        let status = admin.lock(as_account(account, lock())).await.unwrap_err();
        assert_eq!(sign(&status, "valetkey-code"), code);
    }
    assert_eq!(json(&socket, TOKEN).await.status, 200);

    admin.lock(as_account("boss", lock())).await.unwrap();
    refused(&socket, "locked_by_admin").await;
    let own = LockRequest {
        reason: "lunch".into(),
    };
    owner.lock(own).await.unwrap();
    let status = owner.status(StatusRequest {}).await.unwrap().into_inner();
    let holders: Vec<_> = status
        .locks
        .iter()
        .map(|lock| lock.holder.as_str())
        .collect();
    assert_eq!(holders, ["owner", "admin"]);

    let unlocked = owner.unlock(UnlockRequest {}).await.unwrap().into_inner();
    let remains = unlocked.admin.unwrap();
    assert_eq!(remains.holder, "admin");
    assert_eq!(remains.reason, "incident 7");
    assert_eq!(
        remains.by.as_deref(),
        Some("boss at https://id.example.test")
    );
    refused(&socket, "locked_by_admin").await;
    for account in ["alice", "nobody"] {
        let unlock = as_account(account, AdminUnlock {});
        admin.unlock(unlock).await.unwrap_err();
    }
    refused(&socket, "locked_by_admin").await;
    admin
        .unlock(as_account("boss", AdminUnlock {}))
        .await
        .unwrap();
    assert_eq!(json(&socket, TOKEN).await.status, 200);
    assert_eq!(house.recorded("admin_refused").len(), 4);
}
