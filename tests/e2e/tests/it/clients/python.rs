//! Python's `requests` and the `openai` client, which believe that the placeholder is their key.

use valetkey_e2e::{CANARY, Trip};

fn openai() -> Trip {
    let trip = Trip::to(
        "openai_api.py",
        &[CANARY],
        r#"
[credentials.openai]
source = "static"
secret = "canary"
variable = "OPENAI_API_KEY"
base_url_variable = "MODEL_BASE"
placeholder_prefix = "sk-"
[[credentials.openai.inject]]
hosts = ["HOST"]
paths = ["/v1/*"]
header = "authorization"
scope = "read"
on_placeholder = true
"#,
    );
    trip.pack("client.py", CLIENT);
    trip
}

const CLIENT: &str = r#"
import os, openai

assert os.environ["OPENAI_API_KEY"].startswith("sk-")
client = openai.OpenAI(max_retries=0)
print([model.id for model in client.models.list()])
ask = {"model": "small", "messages": [{"role": "user", "content": "?"}]}
print(client.chat.completions.create(**ask).choices[0].message.content)
pieces = [event.choices[0].delta.content for event in client.chat.completions.create(stream=True, **ask)]
print(len(pieces), "".join(pieces))
"#;

#[test]
fn the_openai_client_through_the_proxy() {
    let trip = openai();
    let said = trip.errand("OPENAI_BASE_URL=$BASE/v1 python3 client.py");
    is_served(&said.ok().stdout, &trip);
}

#[test]
fn the_openai_client_by_a_base_url() {
    let trip = openai();
    let script = "unset HTTPS_PROXY https_proxy HTTP_PROXY http_proxy ALL_PROXY all_proxy
        OPENAI_BASE_URL=$MODEL_BASE/v1 python3 client.py";
    is_served(&trip.errand(script).ok().stdout, &trip);
}

#[track_caller]
fn is_served(said: &str, trip: &Trip) {
    assert!(
        said.starts_with("['small']\none word at a time for Bearer "),
        "{said}"
    );
    assert!(said.ends_with("5 one word at a time\n"), "{said}");
    let seen = trip.origin.seen();
    assert_eq!(seen.len(), 3);
    for one in seen {
        assert_eq!(one["headers"]["authorization"], format!("Bearer {CANARY}"));
    }
}

/// Somebody else's key is not replaced, and the host's answer to it reaches the agent as it is.
#[test]
fn a_key_that_is_no_placeholder_goes_as_it_is() {
    let trip = openai();
    let said = trip.errand("OPENAI_API_KEY=sk-mine OPENAI_BASE_URL=$BASE/v1 python3 client.py");
    assert_ne!(said.status, 0, "{said:?}");
    assert!(
        said.stderr
            .contains("Incorrect API key provided: Bearer sk-mine"),
        "{said:?}"
    );
}

#[test]
fn requests_in_one_session() {
    let trip = Trip::to(
        "origin.py",
        &[],
        r#"
[credentials.api]
source = "static"
secret = "canary"
[[credentials.api.inject]]
hosts = ["HOST"]
header = "authorization"
prefix = "Token "
scope = "read"
"#,
    );
    let client = r#"
import json, requests, sys

with requests.Session() as session:
    for _ in range(20):
        answer = session.post(sys.argv[1], json={"a": "b"}, timeout=60)
        answer.raise_for_status()
        assert json.loads(answer.json()["body"]) == {"a": "b"}, answer.text
    print(answer.json()["headers"])
"#;
    trip.pack("client.py", client);
    let said = trip.errand("python3 client.py $BASE/gzip").ok();
    assert!(said.stdout.contains("Token "), "{said:?}");
    let seen = trip.origin.seen();
    assert_eq!(seen.len(), 20);
    for one in seen {
        assert_eq!(one["headers"]["authorization"], format!("Token {CANARY}"));
    }
}
