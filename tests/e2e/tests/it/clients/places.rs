//! Every other place in a request.

use serde_json::Value;
use valetkey_e2e::{BASIC_CANARY, CANARY, Trip};

fn place(name: &str, way: &str) -> String {
    let variable = name.to_uppercase();
    format!(
        r#"
[credentials.{name}]
source = "static"
secret = "canary"
variable = "VALUE_{variable}"
[[credentials.{name}.inject]]
hosts = ["HOST"]
scope = "read"
{way}
"#
    )
}

#[test]
fn a_value_is_put_where_it_belongs() {
    let places = [
        ("basic", "paths = ['/basic']\nbasic = 'git'"),
        ("query", "paths = ['/query']\nquery = 'key'"),
        ("cookie", "paths = ['/cookie']\ncookie = 'sid'"),
        (
            "segment",
            "paths = ['/bot*']\npath_segment = true\non_placeholder = true",
        ),
        ("body", "paths = ['/body']\nbody = '/auth/0/key'"),
        (
            "asked",
            "paths = ['/asked']\nbody = '/key'\non_placeholder = true",
        ),
        (
            "named",
            "paths = ['/named']\nheader = 'x-key'\non_placeholder = true",
        ),
    ]
    .map(|(name, way)| place(name, way));
    let trip = Trip::to("origin.py", &[], &places.concat());
    let script = r#"
ask() { curl -sSf "$@"; echo; }
ask $BASE/basic
ask "$BASE/query?a=b&key=mine&c=d"
ask -b 'a=b; sid=mine; c=d' $BASE/cookie
ask $BASE/bot$VALUE_SEGMENT/send?a=b
ask --json '{"auth": [{"key": "mine", "b": 1.50}], "c": "ü"}' $BASE/body
ask --json "{\"key\": \"$VALUE_ASKED\"}" $BASE/asked
ask --json '{"key": "mine"}' $BASE/asked
ask -H "x-key: $VALUE_NAMED" $BASE/named
ask -H "x-key: mine" $BASE/named
"#;
    let said = trip.errand(script).ok();
    assert_eq!(said.stdout.trim().lines().count(), 9, "{said:?}");
    let one = |path: &str, number: usize| trip.origin.seen_at(path)[number].clone();
    assert_eq!(
        one("/basic", 0)["headers"]["authorization"],
        format!("Basic {BASIC_CANARY}")
    );
    let query = one("/query", 0)["path"].as_str().unwrap().to_owned();
    let mut parts: Vec<_> = query.trim_start_matches("/query?").split('&').collect();
    parts.sort_unstable();
    assert_eq!(parts, ["a=b", "c=d", &format!("key={CANARY}")]);
    let cookie = one("/cookie", 0)["headers"]["cookie"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut parts: Vec<_> = cookie.split("; ").collect();
    parts.sort_unstable();
    assert_eq!(parts, ["a=b", "c=d", &format!("sid={CANARY}")]);
    one(&format!("/bot{CANARY}/send"), 0);
    let body = |path: &str, number: usize| -> Value {
        serde_json::from_str(one(path, number)["body"].as_str().unwrap()).unwrap()
    };
    assert_eq!(body("/body", 0)["auth"][0]["key"], CANARY);
    assert!(
        one("/body", 0)["body"].as_str().unwrap().contains("1.50"),
        "the rest stays as it is"
    );
    assert_eq!(body("/asked", 0)["key"], CANARY);
    assert_eq!(body("/asked", 1)["key"], "mine");
    assert_eq!(one("/named", 0)["headers"]["x-key"], CANARY);
    assert_eq!(one("/named", 1)["headers"]["x-key"], "mine");
}

/// A placeholder at a host that it is not for is refused before it leaves, and is an alarm; so is one in
/// another session.
#[test]
fn a_placeholder_elsewhere_is_an_alarm() {
    let way = "paths = ['/named']\nheader = 'x-key'\non_placeholder = true";
    let inspect = r#"
[credentials.elsewhere]
source = "static"
secret = "canary"
[[credentials.elsewhere.inject]]
hosts = ["other.test:PORT"]
paths = ["/never"]
header = "x-never"
"#;
    let trip = Trip::to("origin.py", &[], &(place("named", way) + inspect));
    let script = r#"
curl -sS -o told -w '%{http_code}\n' -H "x-key: $VALUE_NAMED" ${BASE/api/other}/named
printf %s "$VALUE_NAMED" >placeholder
"#;
    let said = trip.errand(script).ok();
    assert_eq!(said.stdout, "403\n", "{said:?}");
    let refused = trip.world.records("network_refused").pop();
    let refused =
        refused.unwrap_or_else(|| panic!("{}", trip.world.valetkey("audit tail --json").stdout));
    assert_eq!(refused["code"], "placeholder_misused", "{refused}");
    let script = r#"curl -sS -H "x-key: $(cat placeholder)" $BASE/named"#;
    trip.errand(script).ok();
    let seen = trip.origin.seen();
    assert_eq!(seen.len(), 1, "only what is no placeholder there");
    assert_ne!(seen[0]["headers"]["x-key"], CANARY);
}
