//! curl: in the clear, intercepted, passed through, and by HTTP/2.

use valetkey_e2e::{CANARY, Origin, Tail, Tls, World};

/// A world in which the secret goes to `origin` as a bearer token, without being asked for.
fn world(mut world: World, tls: Option<&Tls>, origin: &Origin, scheme: &str) -> World {
    let port = origin.port();
    world.configure_errands(
        tls,
        &[port],
        &format!(
            r#"
[credentials.api]
source = "static"
secret = "canary"
[[credentials.api.inject]]
hosts = ["{scheme}://api.test:{port}"]
header = "authorization"
scope = "read"
"#
        ),
    );
    world.open_for_errands();
    world
}

fn bearer() -> String {
    format!("Bearer {CANARY}")
}

/// Every way in which the origin sends back what it was sent.
const ECHOES: [&str; 5] = ["/echo", "/gzip", "/split", "/away", "/bad"];

fn echoes(world: &World, origin: &Origin, base: &str) {
    for path in ECHOES {
        let said = world
            .errand(&format!(
                "curl -sS -i --compressed {base}{path}; curl -sS -v -d key=value {base}{path}"
            ))
            .ok();
        let length = said.stdout.len();
        assert!(length > 100, "{path}: {said:?}");
        for seen in origin.seen_at(path) {
            assert_eq!(seen["headers"]["authorization"], bearer(), "{path}");
        }
        assert_eq!(origin.seen_at(path).len(), 2, "{path}");
    }
    let used = Tail::of(world).until(|record| {
        record["event"] == "network_used" && record["passed"][0]["credential"] == "api"
    });
    assert_eq!(used["passed"][0]["origin"], base, "{used}");
}

#[test]
fn in_the_clear() {
    let world = World::new();
    let origin = Origin::plain(&world, "origin.py");
    let world = self::world(world, None, &origin, "http");
    echoes(
        &world,
        &origin,
        &format!("http://api.test:{}", origin.port()),
    );
}

#[test]
fn intercepted() {
    let world = World::new();
    let tls = Tls::new(&world);
    let origin = Origin::secure(&world, "origin.py", &tls, &[]);
    let world = self::world(world, Some(&tls), &origin, "https");
    echoes(
        &world,
        &origin,
        &format!("https://api.test:{}", origin.port()),
    );
}

/// A host without rules is not looked into: its own certificate arrives, and nothing is put into requests.
#[test]
fn passed_through() {
    let world = World::new();
    let tls = Tls::new(&world);
    let origin = Origin::secure(&world, "origin.py", &tls, &[]);
    let world = self::world(world, Some(&tls), &origin, "https");
    std::fs::copy(&tls.authority, world.workspace().join("authority.pem")).unwrap();
    let port = origin.port();
    let get = format!("curl -sS --cacert authority.pem https://other.test:{port}/echo");
    let said = world.errand_with("--profile open", &get).ok();
    assert_eq!(said.json()["headers"]["host"], format!("other.test:{port}"));
    assert_eq!(
        origin.seen_at("/echo")[0]["headers"].get("authorization"),
        None
    );
    // The very same host by its other name is looked into, and its own authority has signed nothing then.
    let get = format!("curl -sS --cacert authority.pem https://api.test:{port}/echo");
    let said = world.errand_with("--profile open", &get);
    assert_eq!(said.status, 60, "{said:?}");
}

#[test]
fn by_http2() {
    let world = World::new();
    let tls = Tls::new(&world);
    let origin = Origin::secure(&world, "http2.py", &tls, &[]);
    let world = self::world(world, Some(&tls), &origin, "https");
    let base = format!("https://api.test:{}", origin.port());
    let script = format!(
        "head -c 3000000 /dev/zero >big
         curl -sS --http2 -w '%{{http_version}}\\n' -o first {base}/first -o second {base}/second
         curl -sS --http2 -i --data-binary @big {base}/big"
    );
    let said = world.errand(&script).ok();
    // The proxy itself is spoken to by HTTP/1.1.
    let (versions, answer) = said.stdout.split_once("HTTP/1.1 200 OK").unwrap();
    assert_eq!(versions, "2\n2\n", "{said:?}");
    assert!(answer.contains("\nHTTP/2 200 "), "{said:?}");
    for path in ["/first", "/second", "/big"] {
        let seen = &origin.seen_at(path)[0];
        assert_eq!(seen["headers"]["authorization"], bearer(), "{path}");
        assert_eq!(seen["version"], "2", "{path}");
    }
    assert_eq!(origin.seen_at("/big")[0]["length"], 3_000_000);
}

/// Nothing waits for more to come: the host sends an event when the one before has been asked about.
#[test]
fn events_arrive_one_by_one() {
    let world = World::new();
    let tls = Tls::new(&world);
    let origin = Origin::secure(&world, "origin.py", &tls, &[]);
    let world = self::world(world, Some(&tls), &origin, "https");
    let base = format!("https://api.test:{}", origin.port());
    let script = format!(
        "curl -sSN {base}/events | while read -r data number rest; do
            [ \"$data\" = data: ] || continue
            echo \"event $number\"
            curl -sS -o /dev/null \"{base}/next?$((number + 1))\"
        done"
    );
    let said = world.errand(&script).ok();
    assert_eq!(said.stdout.matches("event ").count(), 5, "{said:?}");
    assert_eq!(
        origin.seen_at("/events")[0]["headers"]["authorization"],
        bearer()
    );
}

#[test]
fn a_large_download_and_a_large_upload() {
    let world = World::new();
    let tls = Tls::new(&world);
    let origin = Origin::secure(&world, "origin.py", &tls, &[]);
    let world = self::world(world, Some(&tls), &origin, "https");
    let base = format!("https://api.test:{}", origin.port());
    let megabytes = 64_u64 << 20;
    let script = format!(
        "curl -sS {base}/size?{megabytes} | wc -c
         head -c {megabytes} /dev/zero | curl -sS -T - {base}/count"
    );
    let said = world.errand(&script).ok();
    let expected = format!("{megabytes}\n{{\"length\": {megabytes}}}");
    assert_eq!(said.stdout, expected, "{said:?}");
    assert_eq!(
        origin.seen_at("/count")[0]["headers"]["authorization"],
        bearer()
    );
}
