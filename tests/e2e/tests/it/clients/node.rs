//! Node's fetch: by the proxy of its environment, and by a base URL where it heeds none.

use valetkey_e2e::{CANARY, Trip};

fn trip() -> Trip {
    let trip = Trip::to(
        "origin.py",
        &[],
        r#"
[credentials.api]
source = "static"
secret = "canary"
base_url_variable = "API_BASE"
[[credentials.api.inject]]
hosts = ["HOST"]
header = "x-api-key"
scope = "read"
"#,
    );
    trip.pack("client.mjs", CLIENT);
    trip
}

/// Says what the host said, and what it was redirected to.
const CLIENT: &str = r#"
const base = process.argv[2];
const answer = await fetch(`${base}/gzip`, { method: "POST", body: "hello" });
console.log(answer.status, (await answer.json()).body);
const followed = await fetch(`${base}/away`);
console.log(followed.status, followed.url === `${base}/echo?`);
"#;

fn is_served(trip: &Trip, said: &str) {
    assert_eq!(said, "200 hello\n200 true\n");
    for path in ["/gzip", "/away", "/echo"] {
        assert_eq!(
            trip.origin.seen_at(path)[0]["headers"]["x-api-key"],
            CANARY,
            "{path}"
        );
    }
}

#[test]
fn fetch_by_the_proxy_of_its_environment() {
    let trip = trip();
    let said = trip.errand("node client.mjs $BASE").ok();
    is_served(&trip, &said.stdout);
}

/// As Node before 24 does it.
#[test]
fn fetch_by_a_base_url() {
    let trip = trip();
    let said = trip
        .errand("NODE_USE_ENV_PROXY=0 node client.mjs $API_BASE")
        .ok();
    is_served(&trip, &said.stdout);
}
