//! What developers and admins ask and are answered.

use valetkey_wire::{
    admin::{
        ListSessionsRequest as AdminList, RevokeRequest, admin_client::AdminClient,
        revoke_request::Target,
    },
    developer::{
        DoctorRequest, EndSessionRequest, GetSessionRequest, ListKeysRequest, ListSecretsRequest,
        ListSessionsRequest, LoginRequest, LogoutRequest, PutSecretRequest, ReloadPoliciesRequest,
        RemoveSecretRequest, RotateKeysRequest, StartSessionRequest, StatusRequest,
        TailAuditRequest, VerifyAuditRequest, login_response::Step,
    },
};

use crate::{
    house::House,
    wire::{as_account, channel, connect, developer, get, json, rest, sign},
};

fn start(agent: &str) -> StartSessionRequest {
    StartSessionRequest {
        account: "alice".into(),
        agent: agent.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_session_from_start_to_end() {
    let house = House::new().await;
    let control = house.control();
    let mut client = developer(&control).await;

    let started = client.start_session(start("coder")).await.unwrap();
    let session = started.into_inner().session.unwrap();
    assert_eq!(session.state, "active");
    assert_eq!(session.user.as_ref().unwrap().subject, "alice");
    assert_eq!(session.expires_at - session.started_at, 3600);
    let socket = session.socket.clone().unwrap();
    let ask = r#"{"credential":"files","scopes":["read"]}"#;
    assert_eq!(json(socket.as_ref(), ask).await.status, 200);

    let id = session.id.clone();
    let shown = client
        .get_session(GetSessionRequest { id: id.clone() })
        .await;
    let shown = shown.unwrap().into_inner();
    assert_eq!(shown.leases.len(), 1);
    assert_eq!(shown.leases[0].credential, "files");

    let listed = client.list_sessions(ListSessionsRequest::default()).await;
    assert_eq!(listed.unwrap().into_inner().sessions.len(), 1);
    let status = client.status(StatusRequest {}).await.unwrap().into_inner();
    assert_eq!(status.live_sessions, 1);
    assert_eq!(status.version, "0.0.0");
    assert_eq!(status.token_issuer, "http://127.0.0.1:1");

    let ended = client.end_session(EndSessionRequest { id }).await.unwrap();
    let ended = ended.into_inner().session.unwrap();
    assert_eq!(ended.state, "ended");
    assert_eq!(ended.socket, None);
    let live = client.list_sessions(ListSessionsRequest::default()).await;
    assert!(live.unwrap().into_inner().sessions.is_empty());
    let recent = ListSessionsRequest {
        recent: Some(u32::MAX),
    };
    let recent = client.list_sessions(recent).await.unwrap();
    assert_eq!(recent.into_inner().sessions.len(), 1);
}

#[tokio::test]
async fn requests_that_make_no_sense() {
    let house = House::new().await;
    let control = house.control();
    let mut client = developer(&control).await;
    let no_session = [
        start("not a name"),
        StartSessionRequest {
            account: "../x".into(),
            ..start("coder")
        },
        StartSessionRequest {
            lifetime_seconds: Some(0),
            ..start("coder")
        },
        StartSessionRequest {
            lifetime_seconds: Some(-1),
            ..start("coder")
        },
        StartSessionRequest {
            pin_executable_sha256: Some("abc".into()),
            ..start("coder")
        },
        StartSessionRequest {
            pin_cgroup: Some("relative".into()),
            ..start("coder")
        },
    ];
    for request in no_session {
        let status = client.start_session(request).await.unwrap_err();
        assert_eq!(sign(&status, "valetkey-code"), "invalid_request");
        assert!(!sign(&status, "valetkey-next-step").is_empty());
    }
    let status = client
        .get_session(GetSessionRequest { id: "0".repeat(32) })
        .await
        .unwrap_err();
    assert_eq!(sign(&status, "valetkey-code"), "unknown_session");
    let nobody = StartSessionRequest {
        account: "nobody".into(),
        ..start("coder")
    };
    let status = client.start_session(nobody).await.unwrap_err();
    assert_eq!(sign(&status, "valetkey-code"), "not_logged_in");
    assert!(
        !format!("{status:?}").contains("canary"),
        "detail stays in the log"
    );
}

#[tokio::test]
async fn pins_arrive_in_one_spelling() {
    let house = House::new().await;
    let control = house.control();
    let request = StartSessionRequest {
        pin_executable_sha256: Some("AB".repeat(32)),
        ..start("coder")
    };
    let started = developer(&control)
        .await
        .start_session(request)
        .await
        .unwrap();
    let id = started.into_inner().session.unwrap().id;
    let id = valetkey_core::SessionId::parse(&id).unwrap();
    let session = house.broker.ports.sessions.load(id).unwrap();
    assert_eq!(session.pins.executable_sha256, Some("ab".repeat(32)));
}

#[tokio::test]
async fn secrets_policies_keys_and_health() {
    let house = House::new().await;
    let control = house.control();
    let mut client = developer(&control).await;

    let put = PutSecretRequest {
        name: "pat".into(),
        value: vec![7; 64 * 1024],
    };
    let first = client.put_secret(put.clone()).await.unwrap().into_inner();
    assert_eq!((first.replaced, first.used), (false, false));
    let again = client.put_secret(put).await.unwrap().into_inner();
    assert!(again.replaced);
    let large = PutSecretRequest {
        name: "pat".into(),
        value: vec![7; 64 * 1024 + 1],
    };
    let status = client.put_secret(large).await.unwrap_err();
    assert_eq!(sign(&status, "valetkey-code"), "invalid_request");
    let larger = PutSecretRequest {
        name: "pat".into(),
        value: vec![7; 256 * 1024],
    };
    let status = client.put_secret(larger).await.unwrap_err();
    assert_eq!(sign(&status, "valetkey-code"), "request_too_large");
    let listed = client.list_secrets(ListSecretsRequest {}).await.unwrap();
    assert_eq!(listed.into_inner().names, ["pat"]);
    let remove = RemoveSecretRequest { name: "pat".into() };
    client.remove_secret(remove.clone()).await.unwrap();
    let status = client.remove_secret(remove).await.unwrap_err();
    assert_eq!(sign(&status, "valetkey-code"), "secret_absent");

    let reloaded = client
        .reload_policies(ReloadPoliciesRequest {})
        .await
        .unwrap();
    assert_eq!(reloaded.into_inner().policies, 8);
    let keys = client
        .list_keys(ListKeysRequest {})
        .await
        .unwrap()
        .into_inner()
        .keys;
    assert_eq!(keys[0].algorithm, "EdDSA");
    assert_eq!(
        client
            .rotate_keys(RotateKeysRequest {})
            .await
            .unwrap()
            .into_inner()
            .keys
            .len(),
        2
    );
    let findings = client
        .doctor(DoctorRequest {})
        .await
        .unwrap()
        .into_inner()
        .findings;
    assert!(
        findings
            .iter()
            .any(|f| f.name == "ledger" && f.health == "well")
    );
    let out = client
        .logout(LogoutRequest {
            account: "alice".into(),
        })
        .await
        .unwrap();
    assert_eq!(
        out.into_inner().provider_problem.as_deref(),
        Some("it does not answer")
    );
}

#[tokio::test]
async fn a_login_says_what_to_do_and_then_who_it_was() {
    let house = House::new().await;
    let control = house.control();
    let mut client = developer(&control).await;
    for device in [false, true] {
        let request = LoginRequest {
            account: "alice".into(),
            device,
        };
        let mut steps = client.login(request).await.unwrap().into_inner();
        match steps.message().await.unwrap().unwrap().step.unwrap() {
            Step::Browser(browser) => assert!(!device && browser.url.starts_with("https:")),
            Step::Device(code) => assert!(device && code.user_code == "ABCD-EFGH"),
            Step::Done(_) => panic!("nobody has done anything yet"),
        }
        let finish = house.logins.finish.lock().unwrap().take().unwrap();
        finish.send(()).unwrap();
        let Step::Done(user) = steps.message().await.unwrap().unwrap().step.unwrap() else {
            panic!("not done");
        };
        assert_eq!(user.subject, "alice");
        assert!(steps.message().await.unwrap().is_none());
    }
    // Nobody finishes this one.
    let request = LoginRequest {
        account: "alice".into(),
        device: false,
    };
    let mut steps = client.login(request).await.unwrap().into_inner();
    steps.message().await.unwrap();
    drop(house.logins.finish.lock().unwrap().take());
    let status = steps.message().await.unwrap_err();
    assert_eq!(sign(&status, "valetkey-code"), "login_abandoned");
}

#[tokio::test]
async fn the_ledger_is_read_from_its_end_and_followed() {
    let house = House::new().await;
    let control = house.control();
    let mut client = developer(&control).await;
    let empty = TailAuditRequest {
        after: None,
        last: Some(5),
        follow: false,
    };
    let mut none = client.tail_audit(empty).await.unwrap().into_inner();
    assert!(none.message().await.unwrap().is_none());

    for _ in 0..5 {
        house.session().await;
    }
    let mut sequences = Vec::new();
    let last = TailAuditRequest {
        after: None,
        last: Some(2),
        follow: true,
    };
    let mut tail = client.tail_audit(last).await.unwrap().into_inner();
    sequences.push(tail.message().await.unwrap().unwrap().sequence);
    sequences.push(tail.message().await.unwrap().unwrap().sequence);
    house.session().await;
    let entry = tail.message().await.unwrap().unwrap();
    sequences.push(entry.sequence);
    assert_eq!(sequences, [4, 5, 6]);
    let record: serde_json::Value = serde_json::from_str(&entry.record).unwrap();
    assert_eq!(record["event"], "session_started");

    let all = TailAuditRequest {
        after: Some(0),
        last: None,
        follow: false,
    };
    let mut all = client.tail_audit(all).await.unwrap().into_inner();
    let mut count = 0;
    while all.message().await.unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 6);
    let verified = client.verify_audit(VerifyAuditRequest {}).await.unwrap();
    assert_eq!(verified.into_inner().records, 6);

    // Stopping ends whoever follows.
    control.stop.cancel();
    control.task.await.unwrap().unwrap();
    assert!(tail.message().await.unwrap().is_none());
}

#[tokio::test]
async fn an_admin_is_whom_the_provider_says() {
    let house = House::new().await;
    let control = house.control();
    let (id, socket) = house.session().await;
    let (_, other) = house.session().await;
    let mut client = AdminClient::new(channel(&control.path).await);
    let order = |target| RevokeRequest {
        target,
        reason: "left".into(),
    };
    let this = Some(Target::Session(id.to_string()));

    let status = client
        .list_sessions(AdminList::default())
        .await
        .unwrap_err();
    assert_eq!(sign(&status, "valetkey-code"), "invalid_request");
    let status = client
        .list_sessions(as_account("alice", AdminList::default()))
        .await;
    assert_eq!(sign(&status.unwrap_err(), "valetkey-code"), "not_admin");
    let status = client
        .revoke(as_account("alice", order(this.clone())))
        .await;
    assert_eq!(sign(&status.unwrap_err(), "valetkey-code"), "not_admin");
    assert_eq!(house.recorded("admin_refused").len(), 2);
    for nothing in [
        None,
        Some(Target::All(false)),
        Some(Target::User(String::new())),
        Some(Target::Session("x".into())),
    ] {
        let status = client
            .revoke(as_account("boss", order(nothing)))
            .await
            .unwrap_err();
        assert_eq!(sign(&status, "valetkey-code"), "invalid_request");
    }

    let listed = client
        .list_sessions(as_account("boss", AdminList::default()))
        .await;
    assert_eq!(listed.unwrap().into_inner().sessions.len(), 2);
    let ask = r#"{"credential":"files","scopes":["read"]}"#;
    assert_eq!(json(&socket, ask).await.status, 200);
    let revoked = client
        .revoke(as_account("boss", order(this.clone())))
        .await
        .unwrap();
    let revoked = revoked.into_inner();
    assert_eq!(revoked.sessions.len(), 1);
    assert_eq!(
        revoked.sessions[0].session.as_ref().unwrap().state,
        "revoked"
    );
    assert_eq!(revoked.sessions[0].tokens_outstanding, 1);
    assert!(revoked.sessions[0].outstanding_until.is_some());
    assert_eq!(revoked.sessions[0].not_durable, None);
    assert_eq!(json(&socket, ask).await.status, 403);
    assert_eq!(get(&other, "/v1/session").await.status, 200);
    let again = client
        .revoke(as_account("boss", order(this)))
        .await
        .unwrap_err();
    assert_eq!(sign(&again, "valetkey-code"), "unknown_session");
}

#[tokio::test]
async fn the_door_speaks_grpc_to_the_owner_only() {
    let house = House::new().await;
    let control = house.control();
    let answer = get(&control.path, "/v1/session").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"], "invalid_request");

    let foreign = House::among_foreigners().await;
    let control = foreign.control();
    let mut stream = connect(&control.path).await;
    assert_eq!(rest(&mut stream).await, b"");
}
