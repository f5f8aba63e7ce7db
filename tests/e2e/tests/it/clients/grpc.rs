//! gRPC: streams and trailers of HTTP/2.

use serde_json::json;
use valetkey_e2e::{CANARY, Trip};

const CLIENT: &str = r#"
import json, os, sys, grpc

roots = open(os.environ["SSL_CERT_FILE"], "rb").read()
channel = grpc.secure_channel(sys.argv[1], grpc.ssl_channel_credentials(roots))
call = channel.unary_stream("/test.Echo/Say")(b"hello", timeout=60)
messages = [message.decode() for message in call]
trailers = dict(call.trailing_metadata())
print(json.dumps({"messages": messages, "end": trailers.get("x-end"), "echo": trailers.get("x-echo")}))
"#;

#[test]
fn a_call_has_its_trailers_and_they_are_scrubbed() {
    let trip = Trip::to(
        "grpc_service.py",
        &[],
        r#"
[credentials.service]
source = "static"
secret = "canary"
[[credentials.service.inject]]
hosts = ["HOST"]
header = "authorization"
scope = "read"
"#,
    );
    trip.pack("client.py", CLIENT);
    let said = trip.errand("python3 client.py $HOST").ok().json();
    assert_eq!(said["end"], "reached", "{said}");
    assert_eq!(said["messages"].as_array().map(Vec::len), Some(3), "{said}");
    assert_ne!(said["echo"], json!(null), "{said}");
    let seen = trip.origin.seen();
    assert_eq!(
        seen[0]["headers"]["authorization"],
        format!("Bearer {CANARY}")
    );
}
