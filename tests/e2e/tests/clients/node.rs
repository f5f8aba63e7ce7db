//! Node's fetch: by the proxy of its environment, and by a base URL where it heeds none.

use valetkey_e2e::{CANARY, Origin, Tls, World};

fn world(tls: &Tls, mut world: World, origin: &Origin) -> World {
    let port = origin.port();
    world.configure_errands(
        Some(tls),
        &[port],
        &format!(
            r#"
[credentials.api]
source = "static"
secret = "canary"
base_url_variable = "API_BASE"
[[credentials.api.inject]]
hosts = ["api.test:{port}"]
header = "x-api-key"
scope = "read"
"#
        ),
    );
    world.open_for_errands();
    world
}

/// Says what the host said, and what it was redirected to.
const CLIENT: &str = r#"
const base = process.argv[2];
const answer = await fetch(`${base}/gzip`, { method: "POST", body: "hello" });
console.log(answer.status, (await answer.json()).body);
const followed = await fetch(`${base}/away`);
console.log(followed.status, followed.url === `${base}/echo?`);
"#;

fn is_served(origin: &Origin, said: &str) {
    assert_eq!(said, "200 hello\n200 true\n");
    for path in ["/gzip", "/away", "/echo"] {
        assert_eq!(
            origin.seen_at(path)[0]["headers"]["x-api-key"],
            CANARY,
            "{path}"
        );
    }
}

#[test]
fn fetch_by_the_proxy_of_its_environment() {
    let world = World::new();
    let tls = Tls::new(&world);
    let origin = Origin::secure(&world, "origin.py", &tls, &[]);
    let world = self::world(&tls, world, &origin);
    std::fs::write(world.workspace().join("client.mjs"), CLIENT).unwrap();
    let script = format!("node client.mjs https://api.test:{}", origin.port());
    let said = world.errand(&script).ok();
    is_served(&origin, &said.stdout);
}

/// As Node before 24 does it.
#[test]
fn fetch_by_a_base_url() {
    let world = World::new();
    let tls = Tls::new(&world);
    let origin = Origin::secure(&world, "origin.py", &tls, &[]);
    let world = self::world(&tls, world, &origin);
    std::fs::write(world.workspace().join("client.mjs"), CLIENT).unwrap();
    let said = world
        .errand("NODE_USE_ENV_PROXY=0 node client.mjs $API_BASE")
        .ok();
    is_served(&origin, &said.stdout);
}
