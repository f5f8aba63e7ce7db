//! The same refusal in every form: code, sentence, next step, request id, and nothing else.

use valetkey_codes::Code;
use valetkey_core::{Event, Pins};
use valetkey_wire::agent::{
    GetSessionRequest, GetTokenRequest, ListGrantsRequest, WatchSessionRequest,
};

use crate::{
    house::House,
    wire::{agent, form, get, http, json, sign},
};

struct Case {
    ask: GetTokenRequest,
    code: Code,
    oauth: &'static str,
}

fn case(credential: &str, scope: &str, code: Code, oauth: &'static str) -> Case {
    Case {
        ask: GetTokenRequest {
            credential: credential.into(),
            scopes: vec![scope.into()],
            ..Default::default()
        },
        code,
        oauth,
    }
}

fn cases() -> Vec<Case> {
    let mut cases = vec![
        case("nothing", "read", Code::UnknownCredential, "invalid_target"),
        case(
            "\u{1b}[2J",
            "read",
            Code::UnknownCredential,
            "invalid_target",
        ),
        case("files", "own", Code::InvalidScope, "invalid_scope"),
        case("files", "r\u{7}d", Code::InvalidScope, "invalid_scope"),
        case("files", "write", Code::Denied, "access_denied"),
        case("files", "erase", Code::Denied, "access_denied"),
    ];
    let mut with = |change: fn(&mut GetTokenRequest), code, oauth| {
        let mut case = case("files", "read", code, oauth);
        change(&mut case.ask);
        cases.push(case);
    };
    with(
        |ask| ask.audience = Some("https://mail.test".into()),
        Code::InvalidTarget,
        "invalid_target",
    );
    for change in [
        (|ask| ask.lifetime_seconds = Some(0)) as fn(&mut GetTokenRequest),
        |ask| ask.lifetime_seconds = Some(-1),
        |ask| ask.lifetime_seconds = Some(i64::MIN),
        |ask| ask.min_validity_seconds = Some(u64::MAX),
    ] {
        with(change, Code::InvalidRequest, "invalid_request");
    }
    cases
}

fn as_json(ask: &GetTokenRequest) -> String {
    serde_json::json!({
        "credential": ask.credential,
        "scopes": ask.scopes,
        "audience": ask.audience,
        "lifetime_seconds": ask.lifetime_seconds,
        "min_validity_seconds": ask.min_validity_seconds,
    })
    .to_string()
}

fn as_form(ask: &GetTokenRequest) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair(
        "grant_type",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    )
    .append_pair("credential", &ask.credential)
    .append_pair("scope", &ask.scopes.join(" "));
    if let Some(audience) = &ask.audience {
        form.append_pair("audience", audience);
    }
    if let Some(lifetime) = ask.lifetime_seconds {
        form.append_pair("lifetime_seconds", &lifetime.to_string());
    }
    if let Some(least) = ask.min_validity_seconds {
        form.append_pair("min_validity_seconds", &least.to_string());
    }
    form.finish()
}

#[tokio::test]
async fn every_form_says_the_same() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    let mut client = agent(&socket).await;
    for Case { ask, code, oauth } in cases() {
        let row = code.row();
        let status = client.get_token(ask.clone()).await.err().unwrap();
        assert_eq!(status.code() as i32, row.grpc as i32, "{ask:?}");
        assert_eq!(sign(&status, "valetkey-code"), row.id);
        assert_eq!(sign(&status, "valetkey-next-step"), row.next_step);

        let answer = json(&socket, &as_json(&ask)).await;
        assert_eq!(answer.status, row.http, "{ask:?}");
        assert!(answer.has("cache-control: no-store"));
        let error = answer.json();
        assert_eq!(error["error"], row.id);
        assert_eq!(error["message"], status.message());
        assert_eq!(error["next_step"], row.next_step);

        let answer = form(&socket, &as_form(&ask)).await;
        assert_eq!(answer.status, 400, "{ask:?}");
        let exchanged = answer.json();
        assert_eq!(exchanged["error"], oauth, "{ask:?}");
        assert_eq!(exchanged["code"], row.id);
        assert_eq!(exchanged["next_step"], row.next_step);

        let told = [
            sign(&status, "valetkey-request"),
            error["request"].as_str().unwrap().to_owned(),
            exchanged["request"].as_str().unwrap().to_owned(),
        ];
        let records = house.recorded("token_refused");
        let known: Vec<_> = records[records.len() - 3..]
            .iter()
            .map(|record| record.request.unwrap().to_string())
            .collect();
        assert_eq!(known, told, "the ledger knows the request by another id");
    }
}

#[tokio::test]
async fn the_ledger_knows_why_and_the_agent_does_not() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    let answer = json(&socket, r#"{"credential":"files","scopes":["erase"]}"#).await;
    let said = String::from_utf8(answer.body).unwrap();
    assert!(!said.contains("forbid files erase"), "{said}");
    let Event::TokenRefused { detail, .. } = &house.recorded("token_refused")[0].event else {
        panic!("not a refusal");
    };
    assert_eq!(detail.as_deref(), Some("forbidden by forbid files erase"));
}

#[tokio::test]
async fn nothing_that_is_sent_back_moves_a_cursor() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    let bell = r#"{"credential":"c","\u001b[2J\u202e":1}"#;
    let answers = [
        json(&socket, bell).await,
        json(
            &socket,
            r#"{"credential":"files","scopes":["read"],"lifetime_seconds":"\u0007"}"#,
        )
        .await,
        get(&socket, "/v1/%1b%07").await,
        form(&socket, "grant_type=%1b%5b2J").await,
        form(
            &socket,
            "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&audience=%1b",
        )
        .await,
    ];
    for answer in answers {
        let said = String::from_utf8(answer.body).unwrap();
        let error: serde_json::Value = serde_json::from_str(&said).unwrap();
        let texts = error.as_object().unwrap().values();
        for text in texts.filter_map(serde_json::Value::as_str) {
            assert!(!text.chars().any(valetkey_core::text::is_hostile), "{said}");
        }
        assert!(error["next_step"].as_str().is_some_and(|s| !s.is_empty()));
    }
}

#[tokio::test]
async fn paths_and_methods_that_are_not_here() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    let answer = get(&socket, "/v1/secrets").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.json()["error"], "invalid_request");
    let answer = get(&socket, "/v1/token").await;
    assert_eq!(answer.status, 405);
    assert!(answer.has("allow: POST"), "{}", answer.head);
    let answer = http(&socket, "DELETE", "/v1/session", "text/plain", "").await;
    assert_eq!(answer.status, 405);
    assert!(answer.has("allow: GET"));
}

#[tokio::test]
async fn whoever_is_not_pinned_learns_nothing_in_any_way() {
    let house = House::new().await;
    let pins = Pins {
        executable_sha256: Some("ab".repeat(32)),
        cgroup: None,
        pid_namespace: None,
    };
    let (_, socket) = house.pinned(pins).await;
    let answers = [
        json(&socket, r#"{"credential":"files","scopes":["read"]}"#).await,
        get(&socket, "/v1/session").await,
        get(&socket, "/v1/grants").await,
    ];
    for answer in answers {
        assert_eq!(answer.status, 403);
        assert_eq!(answer.json()["error"], "caller_refused");
    }
    let mut client = agent(&socket).await;
    let statuses = [
        client.get_token(GetTokenRequest::default()).await.err(),
        client.get_session(GetSessionRequest {}).await.err(),
        client.list_grants(ListGrantsRequest {}).await.err(),
        client.watch_session(WatchSessionRequest {}).await.err(),
    ];
    for status in statuses {
        assert_eq!(sign(&status.unwrap(), "valetkey-code"), "caller_refused");
    }
}

#[tokio::test]
async fn a_suspended_session_is_told_and_gets_nothing() {
    let house = House::new().await;
    let (session, socket) = house.session().await;
    suspend(&house, session).await;
    assert_eq!(
        get(&socket, "/v1/session").await.json()["state"],
        "suspended"
    );
    let answer = json(&socket, r#"{"credential":"files","scopes":["read"]}"#).await;
    assert_eq!(answer.json()["error"], "session_suspended");
    let answer = get(&socket, "/v1/grants").await;
    assert_eq!(answer.json()["error"], "session_suspended");
}

/// Ends the login of the session's user.
pub(crate) async fn suspend(house: &House, session: valetkey_core::SessionId) {
    use valetkey_core::{lifecycle::SessionsFollowLogins, ports::LoginEvents as _};
    let session = house.broker.ports.sessions.load(session).unwrap();
    SessionsFollowLogins::new(house.broker.clone())
        .ended(&session.account, "logged out")
        .await;
}
