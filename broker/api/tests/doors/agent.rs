//! What agents ask and are answered.

use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};
use valetkey_wire::{
    admin::{ListSessionsRequest, admin_client::AdminClient},
    agent::{GetSessionRequest, GetTokenRequest, ListGrantsRequest},
    developer::{StatusRequest, developer_client::DeveloperClient},
};

use crate::{
    house::House,
    wire::{agent, channel, form, get, json, sign},
};

const SPELLED: &str = "alice|files|list read|https://files.test|300";

#[tokio::test]
async fn three_forms_one_answer() {
    let house = House::new().await;
    let (_, socket) = house.session().await;

    let over_grpc = agent(&socket)
        .await
        .get_token(GetTokenRequest {
            credential: "files".into(),
            scopes: vec!["read".into(), "list".into()],
            lifetime_seconds: Some(300),
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(over_grpc.access_token, SPELLED);
    assert_eq!(over_grpc.token_type, "Bearer");
    assert_eq!(over_grpc.expires_in, 300);
    assert_eq!(over_grpc.scopes, ["list", "read"]);
    assert_eq!(over_grpc.audience, "https://files.test");

    let body = r#"{"credential":"files","scopes":["read list"],"lifetime_seconds":300}"#;
    let over_json = json(&socket, body).await;
    assert_eq!(over_json.status, 200);
    assert!(
        over_json.has("cache-control: no-store"),
        "{}",
        over_json.head
    );
    let fields = over_json.json();
    assert_eq!(fields["access_token"], SPELLED);
    assert_eq!(fields["token_type"], "Bearer");
    assert_eq!(fields["expires_in"], 300);
    assert_eq!(fields["expires_at"], over_grpc.expires_at);
    assert_eq!(fields["scopes"], serde_json::json!(["list", "read"]));
    assert_eq!(fields["audience"], "https://files.test");

    let body = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&credential=files\
                &scope=list+read&lifetime_seconds=300";
    let over_oauth = form(&socket, body).await;
    assert_eq!(over_oauth.status, 200);
    assert!(over_oauth.has("cache-control: no-store"));
    assert!(over_oauth.has("pragma: no-cache"));
    assert_eq!(
        over_oauth.json(),
        serde_json::json!({
            "access_token": SPELLED,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "list read",
        })
    );

    assert_eq!(house.recorded("token_issued").len(), 3);
}

#[tokio::test]
async fn a_lifetime_is_cut_to_the_ceiling_and_a_hugest_one_too() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    for asked in ["901", "9223372036854775807"] {
        let body =
            format!(r#"{{"credential":"files","scopes":["read"],"lifetime_seconds":{asked}}}"#);
        assert_eq!(json(&socket, &body).await.json()["expires_in"], 900);
    }
}

#[tokio::test]
async fn the_session_and_its_grants_in_both_forms() {
    let house = House::new().await;
    let (session, socket) = house.session().await;

    let fields = get(&socket, "/v1/session").await.json();
    assert_eq!(fields["id"], session.to_string());
    assert_eq!(fields["agent"], "coder");
    assert_eq!(fields["state"], "active");

    let mut client = agent(&socket).await;
    let seen = client.get_session(GetSessionRequest {}).await.unwrap();
    let seen = seen.into_inner().session.unwrap();
    assert_eq!(fields["id"], seen.id);
    assert_eq!(fields["expires_at"], seen.expires_at);

    let fields = get(&socket, "/v1/grants").await.json();
    assert_eq!(
        fields["grants"],
        serde_json::json!([
            {"credential": "files", "scopes": ["list", "read"],
             "reviewed_scopes": [], "approved_scopes": [],
             "audiences": ["https://files.test", "https://shared.test"],
             "max_lifetime_seconds": 900, "injected": false},
            {"credential": "mail", "scopes": ["read"],
             "reviewed_scopes": [], "approved_scopes": [],
             "audiences": ["https://mail.test", "https://shared.test"],
             "max_lifetime_seconds": 900, "injected": false},
            {"credential": "prod", "scopes": [],
             "reviewed_scopes": ["watch"], "approved_scopes": ["deploy", "drop"],
             "audiences": ["https://prod.test"],
             "max_lifetime_seconds": 900, "injected": false},
        ])
    );
    let grants = client.list_grants(ListGrantsRequest {}).await.unwrap();
    let grants = grants.into_inner().grants;
    assert_eq!(grants.len(), 3);
    assert_eq!(grants[0].scopes, ["list", "read"]);
    assert_eq!(grants[2].reviewed_scopes, ["watch"]);
    assert_eq!(grants[2].approved_scopes, ["deploy", "drop"]);
    assert!(grants[2].scopes.is_empty());
}

#[tokio::test]
async fn a_socket_is_its_own_session_whoever_else_there_is() {
    let house = House::new().await;
    let (one, first) = house.session().await;
    let (two, second) = house.session().await;
    assert_ne!(first, second);
    // Naming another session changes nothing: no request has a place for a session.
    let asked = get(&first, &format!("/v1/session?id={two}")).await.json();
    assert_eq!(asked["id"], one.to_string());
    assert_eq!(
        get(&second, "/v1/session").await.json()["id"],
        two.to_string()
    );
    let token = json(&second, r#"{"credential":"mail","scopes":["read"]}"#).await;
    assert_eq!(token.status, 200);
    assert_eq!(house.recorded("token_issued")[0].session, Some(two));
}

#[tokio::test]
async fn what_is_for_developers_and_admins_is_not_behind_this_door() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    let _control = house.control();
    let channel = channel(&socket).await;

    let mut developer = DeveloperClient::new(channel.clone());
    let status = developer.status(StatusRequest {}).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unimplemented);
    assert_eq!(sign(&status, "valetkey-code"), "invalid_request");
    let mut admin = AdminClient::new(channel.clone());
    let status = admin.list_sessions(ListSessionsRequest::default()).await;
    assert_eq!(status.unwrap_err().code(), tonic::Code::Unimplemented);

    let mut reflection = ServerReflectionClient::new(channel);
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let answers = reflection
        .server_reflection_info(tokio_stream::iter([ask]))
        .await;
    let answer = answers
        .unwrap()
        .into_inner()
        .message()
        .await
        .unwrap()
        .unwrap();
    let Some(MessageResponse::ListServicesResponse(listed)) = answer.message_response else {
        panic!("no list of services");
    };
    let mut names: Vec<_> = listed.service.into_iter().map(|s| s.name).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "valetkey.agent.v1.Agent"
        ]
    );
}

#[tokio::test]
async fn the_door_says_that_it_is_well() {
    use tonic_health::pb::{
        HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
    };
    let house = House::new().await;
    let (_, socket) = house.session().await;
    let mut client = HealthClient::new(channel(&socket).await);
    for service in ["", "valetkey.agent.v1.Agent"] {
        let service = service.to_owned();
        let answer = client.check(HealthCheckRequest { service }).await.unwrap();
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
    }
    let service = "valetkey.developer.v1.Developer".to_owned();
    let unknown = client.check(HealthCheckRequest { service }).await;
    assert_eq!(unknown.unwrap_err().code(), tonic::Code::NotFound);
}
