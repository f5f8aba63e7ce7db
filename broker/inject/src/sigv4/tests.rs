//! Against AWS's own SDK.
//!
//! The signatures are what botocore 1.44.8 makes (`SigV4Auth`, for S3 `S3SigV4Auth`, with
//! `get_current_datetime` set to 2015-08-30T12:36:00Z and region us-east-1); the first three and the one
//! with a form are those of AWS's published test suite (`get-vanilla`, `post-vanilla`,
//! `get-vanilla-query-order-key-case`, `post-x-www-form-urlencoded-parameters`).

use http::{HeaderValue, Request, request::Parts};
use valetkey_secret::IssuedToken;
use zeroize::Zeroizing;

use super::{Payload, sign};
use crate::PlaceError;

const KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 2015-08-30T12:36:00Z.
const NOW: u64 = 1_440_938_160;
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct Row {
    service: &'static str,
    request: (&'static str, &'static str),
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    /// The names, a space, the signature.
    signed: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        service: "service",
        request: ("GET", "https://example.amazonaws.com/"),
        headers: &[],
        body: "",
        signed: "host;x-amz-date 5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    },
    Row {
        service: "service",
        request: ("POST", "https://example.amazonaws.com/"),
        headers: &[],
        body: "",
        signed: "host;x-amz-date 5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    },
    Row {
        service: "service",
        request: (
            "GET",
            "https://example.amazonaws.com/?Param2=value2&Param1=value1",
        ),
        headers: &[],
        body: "",
        signed: "host;x-amz-date b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    },
    Row {
        service: "service",
        request: (
            "GET",
            "https://example.amazonaws.com/?a=2&a=1&A=%20&b&a-b=%2F",
        ),
        headers: &[],
        body: "",
        signed: "host;x-amz-date 395f7686fce5108033a9756ed37cfb4baeff111385e0c7a099645a94f8826a58",
    },
    Row {
        service: "service",
        request: ("GET", "https://example.amazonaws.com/-._~0123456789ABCxyz"),
        headers: &[],
        body: "",
        signed: "host;x-amz-date 553ff3f1e6a03053119ca1ebd79a1881cbfb9dab5ddaab3c43a634a267b7c688",
    },
    Row {
        service: "service",
        request: (
            "GET",
            "https://example.amazonaws.com/example/..//./a%20b/%E1%88%B4/x/",
        ),
        headers: &[],
        body: "",
        signed: "host;x-amz-date 5750949f5267df5aa3cabbd30c0bda68d6127bfd1e14861a749f441eb7ba4ab7",
    },
    Row {
        service: "service",
        request: ("POST", "https://example.amazonaws.com/"),
        headers: &[(
            "Content-Type",
            "application/x-www-form-urlencoded; charset=utf8",
        )],
        body: "Param1=value1",
        signed: "content-type;host;x-amz-date 1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe",
    },
    Row {
        service: "dynamodb",
        request: ("POST", "https://dynamodb.us-east-1.amazonaws.com/"),
        headers: &[
            ("Content-Type", "application/x-amz-json-1.0"),
            ("X-Amz-Target", "DynamoDB_20120810.ListTables"),
            ("X-Amz-Note", "  a   b  "),
        ],
        body: "{}",
        signed: "content-type;host;x-amz-date;x-amz-note;x-amz-target 8651a6c7810555c6e289e1e2985755e351baad558ec87f1e0fddeaf7d6c96129",
    },
    Row {
        service: "s3",
        request: (
            "GET",
            "https://bucket.s3.amazonaws.com/a%20b//c/../%2B.txt?list-type=2&prefix=x%2Fy",
        ),
        headers: &[],
        body: "",
        signed: "host;x-amz-content-sha256;x-amz-date b759b8c86a0cfc8111d9c1ae29c128fdeedc706ed34fb685d5d7257d4992491d",
    },
    Row {
        service: "s3",
        request: ("PUT", "https://bucket.s3.amazonaws.com/key"),
        headers: &[
            ("Content-MD5", "XrY7u+Ae7tCTyyK7j1rNww=="),
            ("x-amz-acl", "private"),
        ],
        body: "hello",
        signed: "content-md5;host;x-amz-acl;x-amz-content-sha256;x-amz-date 84e6ef038ee2ab6b886a5b1356ead0473212f8785c3458bddac534947ad8ca61",
    },
];

/// As an agent's SDK sends it: signed with what is not the key.
fn sent(service: &str, (method, url): (&str, &str), headers: &[(&str, &str)]) -> Parts {
    let credential = format!("placeholder/20150829/us-east-1/{service}/aws4_request");
    let mut request = Request::builder()
        .method(method)
        .uri(url)
        .header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"),
        )
        .header("x-amz-date", "20150829T000000Z")
        .header("x-amz-security-token", "placeholder");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn signed(parts: &mut Parts, body: Payload<'_>) -> Result<String, PlaceError> {
    let secret = IssuedToken::new(Zeroizing::new(SECRET.as_bytes().to_vec()));
    sign(parts, body, KEY, &secret, NOW)?;
    assert!(parts.headers["authorization"].is_sensitive());
    let text = parts.headers["authorization"].to_str().unwrap();
    Ok(text.to_owned())
}

#[test]
fn it_signs_like_everybody_else() {
    for row in ROWS {
        let mut parts = sent(row.service, row.request, row.headers);
        let found = signed(&mut parts, Payload::Known(row.body.as_bytes())).unwrap();
        let (names, signature) = row.signed.split_once(' ').unwrap();
        let scope = format!("{KEY}/20150830/us-east-1/{}/aws4_request", row.service);
        assert_eq!(
            found,
            format!(
                "AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature={signature}"
            ),
            "{:?}",
            row.request
        );
        assert_eq!(parts.headers["x-amz-date"], "20150830T123600Z");
        assert!(!parts.headers.contains_key("x-amz-security-token"));
        assert_eq!(parts.headers.get_all("authorization").iter().count(), 1);
    }
}

#[test]
fn what_the_head_says_of_a_body_is_signed_as_it_stands() {
    let get = ("GET", "https://bucket.s3.amazonaws.com/key");
    let known = signed(&mut sent("s3", get, &[]), Payload::Known(b""));
    let hash = [("x-amz-content-sha256", EMPTY)];
    assert_eq!(signed(&mut sent("s3", get, &hash), Payload::Header), known);
    for word in ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"] {
        let mut parts = sent("s3", get, &[("x-amz-content-sha256", word)]);
        assert_ne!(signed(&mut parts, Payload::Header), known);
        assert_eq!(parts.headers["x-amz-content-sha256"], word);
        // Where all of the body is there, it is signed.
        let mut parts = sent("s3", get, &[("x-amz-content-sha256", word)]);
        assert_eq!(signed(&mut parts, Payload::Known(b"")), known);
    }
}

#[test]
fn the_host_is_what_goes_over_the_wire() {
    let get = ("GET", "/");
    let host = [("host", "example.amazonaws.com")];
    let found = signed(&mut sent("service", get, &host), Payload::Known(b"")).unwrap();
    assert!(found.ends_with(ROWS[0].signed.split_once(' ').unwrap().1));
    let none = signed(&mut sent("service", get, &[]), Payload::Known(b""));
    assert_eq!(none, Err(PlaceError::NotSignable));
    let twice = [host[0], ("host", "other")];
    let twice = signed(&mut sent("service", get, &twice), Payload::Known(b""));
    assert_eq!(twice, Err(PlaceError::NotSignable));
}

#[test]
fn what_cannot_be_signed_anew_is_refused() {
    let url = "https://bucket.s3.amazonaws.com/key";
    for (query, headers, wrong) in [
        ("?X-Amz-Signature=0", None, PlaceError::Presigned),
        ("?a&x-amz-%53ignature=0", None, PlaceError::Presigned),
        ("?AWSAccessKeyId=A&Signature=B", None, PlaceError::Presigned),
        ("", None, PlaceError::BadPayloadHash),
        (
            "",
            Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            PlaceError::SignedChunks,
        ),
        (
            "",
            Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
            PlaceError::SignedChunks,
        ),
        ("", Some("E3B0"), PlaceError::BadPayloadHash),
        ("", Some(""), PlaceError::BadPayloadHash),
    ] {
        let headers: Vec<_> = headers
            .map(|hash| ("x-amz-content-sha256", hash))
            .into_iter()
            .collect();
        let url = format!("{url}{query}");
        let mut parts = sent("s3", ("PUT", &url), &headers);
        assert_eq!(
            signed(&mut parts, Payload::Header),
            Err(wrong),
            "{url} {headers:?}"
        );
    }
    let chunks = [("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")];
    let mut parts = sent("s3", ("PUT", url), &chunks);
    assert_eq!(
        signed(&mut parts, Payload::Known(b"")),
        Err(PlaceError::SignedChunks)
    );
    let odd = [("x-amz-meta", "a")];
    let mut parts = sent("s3", ("PUT", url), &odd);
    parts
        .headers
        .insert("x-amz-meta", HeaderValue::from_bytes(b"\xe4").unwrap());
    assert_eq!(
        signed(&mut parts, Payload::Known(b"")),
        Err(PlaceError::NotSignable)
    );
    let mut parts = sent("s3", ("PUT", url), &[("authorization", "Bearer x")]);
    assert_eq!(
        signed(&mut parts, Payload::Known(b"")),
        Err(PlaceError::NotSigned)
    );
    let secret = IssuedToken::none();
    for id in ["", "A/B", "A\nB"] {
        let mut parts = sent("s3", ("PUT", url), &[]);
        let wrong = sign(&mut parts, Payload::Known(b""), id, &secret, NOW);
        assert_eq!(wrong, Err(PlaceError::BadAccessKey));
    }
}
