//! WebSockets: the value in the head that opens one, or in its first message.

use serde_json::Value;
use valetkey_e2e::{CANARY, Trip};

const CLIENT: &str = r#"
import json, os, sys
from websockets.sync.client import connect

with connect(sys.argv[1]) as socket:
    socket.send(json.dumps({"type": "auth", "token": os.environ["CHAT_TOKEN"]}))
    print("first", socket.recv(timeout=60))
    for message in ["a" * 100000, os.urandom(1000)]:
        socket.send(message)
        assert socket.recv(timeout=60) == message
    print("same")
"#;

fn chat(place: &str) -> Trip {
    let trip = Trip::to(
        "websocket.py",
        &[],
        &format!(
            r#"
[credentials.chat]
source = "static"
secret = "canary"
variable = "CHAT_TOKEN"
[[credentials.chat.inject]]
hosts = ["HOST"]
scope = "read"
{place}
"#
        ),
    );
    trip.pack("client.py", CLIENT);
    trip
}

fn talk(trip: &Trip, variables: &str) -> String {
    let script = format!("{variables} python3 client.py wss://$HOST/talk");
    let said = trip.errand(&script).ok();
    assert!(said.stdout.ends_with("same\n"), "{said:?}");
    said.stdout
}

#[test]
fn the_head_has_the_value() {
    let trip = chat("header = 'authorization'");
    let said = talk(&trip, "CHAT_TOKEN=none");
    assert!(said.starts_with("first Bearer "), "{said}");
    let seen = trip.origin.seen();
    assert_eq!(
        seen[0]["headers"]["authorization"],
        format!("Bearer {CANARY}")
    );
    assert_eq!(seen[0]["first"], r#"{"type": "auth", "token": "none"}"#);
}

#[test]
fn the_first_message_has_the_value() {
    let trip = chat("websocket = '/token'\non_placeholder = true");
    talk(&trip, "");
    let seen = trip.origin.seen();
    let first: Value = serde_json::from_str(seen[0]["first"].as_str().unwrap()).unwrap();
    assert_eq!(first["token"], CANARY);
    assert_eq!(first["type"], "auth");
}
