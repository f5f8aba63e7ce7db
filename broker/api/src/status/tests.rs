use http::header;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tonic::{Status, body::Body};
use valetkey_codes::Code;
use valetkey_core::{Refusal, RequestId};
use valetkey_wire::metadata;

use super::{Form, Reference, dress, grpc};

const REQUEST: &str = "0198c0de00007000800000000000000a";

fn reference() -> Reference {
    Reference {
        request: RequestId::parse(REQUEST).unwrap(),
        session: None,
    }
}

async fn json(response: http::Response<Body>) -> Value {
    let body = response.into_body().collect().await.unwrap();
    serde_json::from_slice(&body.to_bytes()).unwrap()
}

/// Every code of the table, in every form.
#[tokio::test]
async fn the_table_reaches_every_edge_whole() {
    for code in Code::ALL {
        let row = code.row();
        let refusal = Refusal::new(*code).because("canary detail");

        let status = grpc(&refusal, reference());
        assert_eq!(status.code() as i32, row.grpc as i32, "{}", row.id);
        assert_eq!(status.message(), row.text);
        for (key, value) in [
            (metadata::CODE, row.id),
            (metadata::NEXT_STEP, row.next_step),
            (metadata::REQUEST, REQUEST),
        ] {
            assert_eq!(status.metadata().get(key).unwrap(), value, "{}", row.id);
        }
        assert!(!format!("{status:?}").contains("canary"));

        let response = Form::Json.refuse(&refusal, reference());
        assert_eq!(response.status().as_u16(), row.http, "{}", row.id);
        let body = json(response).await;
        assert!(!body.to_string().contains("canary"));
        assert_eq!(body["error"], row.id);
        assert_eq!(body["message"], row.text);
        assert_eq!(body["next_step"], row.next_step);
        assert_eq!(body["retry"], row.retry.id());
        assert_eq!(body["request"], REQUEST);

        let response = Form::OAuth.refuse(&refusal, reference());
        let status = response.status().as_u16();
        assert!(matches!(status, 400 | 413 | 429 | 500..), "{}", row.id);
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        let body = json(response).await;
        assert!(!body.to_string().contains("canary"));
        assert_eq!(body["error"], row.oauth);
        assert_eq!(body["code"], row.id);
        assert_eq!(body["next_step"], row.next_step);
    }
}

#[tokio::test]
async fn a_description_keeps_to_what_oauth_allows() {
    let refusal = Refusal::new(Code::InvalidRequest).saying("a \"quote\", a \\ and an ä");
    let body = json(Form::OAuth.refuse(&refusal, reference())).await;
    assert_eq!(body["error_description"], "a 'quote', a ? and an ?");
}

#[test]
fn what_the_library_refuses_gets_our_words() {
    let dressed = |status: Status| {
        let response = dress(status.into_http(), reference);
        Status::from_header_map(response.headers()).unwrap()
    };
    let cases = [
        (Status::out_of_range("too large"), Code::RequestTooLarge),
        (Status::internal("failed to decode"), Code::InvalidRequest),
        (Status::unimplemented(""), Code::InvalidRequest),
    ];
    for (status, code) in cases {
        let status = dressed(status);
        let row = code.row();
        assert_eq!(status.metadata().get(metadata::CODE).unwrap(), row.id);
        assert_eq!(
            status.metadata().get(metadata::NEXT_STEP).unwrap(),
            row.next_step
        );
    }
    let unimplemented = dressed(Status::unimplemented(""));
    assert_eq!(unimplemented.code(), tonic::Code::Unimplemented);

    let ours = grpc(&Refusal::new(Code::Denied), reference());
    assert_eq!(dressed(ours).code(), tonic::Code::PermissionDenied);
}
