//! curl: in the clear, intercepted, passed through, and by HTTP/2.

use valetkey_e2e::{CANARY, Tail, Trip};

/// The secret goes to the host as a bearer token, without being asked for.
const API: &str = r#"
[credentials.api]
source = "static"
secret = "canary"
[[credentials.api.inject]]
hosts = ["https://HOST"]
header = "authorization"
scope = "read"
"#;

fn bearer() -> String {
    format!("Bearer {CANARY}")
}

/// Every way in which the origin sends back what it was sent.
const ECHOES: [&str; 5] = ["/echo", "/gzip", "/split", "/away", "/bad"];

fn echoes(trip: &Trip) {
    for path in ECHOES {
        let said = trip
            .errand(&format!(
                "curl -sS -i --compressed $BASE{path}; curl -sS -v -d key=value $BASE{path}"
            ))
            .ok();
        let length = said.stdout.len();
        assert!(length > 100, "{path}: {said:?}");
        for seen in trip.origin.seen_at(path) {
            assert_eq!(seen["headers"]["authorization"], bearer(), "{path}");
        }
        assert_eq!(trip.origin.seen_at(path).len(), 2, "{path}");
    }
    let used = Tail::of(&trip.world).until(|record| {
        record["event"] == "network_used" && record["passed"][0]["credential"] == "api"
    });
    assert_eq!(used["passed"][0]["origin"], trip.base, "{used}");
}

#[test]
fn in_the_clear() {
    let api = API.replace("https:", "http:");
    echoes(&Trip::in_the_clear("origin.py", &api));
}

#[test]
fn intercepted() {
    echoes(&Trip::to("origin.py", &[], API));
}

/// A host without rules is not looked into: its own certificate arrives, and nothing is put into requests.
#[test]
fn passed_through() {
    let trip = Trip::to("origin.py", &[], API);
    let authority = &trip.tls.as_ref().unwrap().authority;
    std::fs::copy(authority, trip.world.workspace().join("authority.pem")).unwrap();
    let get = "curl -sS --cacert authority.pem ${BASE/api/other}/echo";
    let said = trip.errand_with("--profile open", get).ok();
    assert_eq!(
        said.json()["headers"]["host"],
        format!("other.test:{}", trip.origin.port())
    );
    assert_eq!(
        trip.origin.seen_at("/echo")[0]["headers"].get("authorization"),
        None
    );
    // The very same host by its other name is looked into, and its own authority has signed nothing then.
    let get = "curl -sS --cacert authority.pem $BASE/echo";
    let said = trip.errand_with("--profile open", get);
    assert_eq!(said.status, 60, "{said:?}");
}

#[test]
fn by_http2() {
    let trip = Trip::to("http2.py", &[], API);
    let script = r#"
head -c 3000000 /dev/zero >big
curl -sS --http2 -w '%{http_version}\n' -o first $BASE/first -o second $BASE/second
curl -sS --http2 -i --data-binary @big $BASE/big
"#;
    let said = trip.errand(script).ok();
    // The proxy itself is spoken to by HTTP/1.1.
    let (versions, answer) = said.stdout.split_once("HTTP/1.1 200 OK").unwrap();
    assert_eq!(versions, "2\n2\n", "{said:?}");
    assert!(answer.contains("\nHTTP/2 200 "), "{said:?}");
    for path in ["/first", "/second", "/big"] {
        let seen = &trip.origin.seen_at(path)[0];
        assert_eq!(seen["headers"]["authorization"], bearer(), "{path}");
        assert_eq!(seen["version"], "2", "{path}");
    }
    assert_eq!(trip.origin.seen_at("/big")[0]["length"], 3_000_000);
}

/// Nothing waits for more to come: the host sends an event when the one before has been asked about.
#[test]
fn events_arrive_one_by_one() {
    let trip = Trip::to("origin.py", &[], API);
    let script = r#"
curl -sSN $BASE/events | while read -r data number rest; do
    [ "$data" = data: ] || continue
    echo "event $number"
    curl -sS -o /dev/null "$BASE/next?$((number + 1))"
done
"#;
    let said = trip.errand(script).ok();
    assert_eq!(said.stdout.matches("event ").count(), 5, "{said:?}");
    assert_eq!(
        trip.origin.seen_at("/events")[0]["headers"]["authorization"],
        bearer()
    );
}

#[test]
fn a_large_download_and_a_large_upload() {
    let trip = Trip::to("origin.py", &[], API);
    let megabytes = 64_u64 << 20;
    let script = format!(
        "curl -sS $BASE/size?{megabytes} | wc -c
         head -c {megabytes} /dev/zero | curl -sS -T - $BASE/count"
    );
    let said = trip.errand(&script).ok();
    let expected = format!("{megabytes}\n{{\"length\": {megabytes}}}");
    assert_eq!(said.stdout, expected, "{said:?}");
    assert_eq!(
        trip.origin.seen_at("/count")[0]["headers"]["authorization"],
        bearer()
    );
}
