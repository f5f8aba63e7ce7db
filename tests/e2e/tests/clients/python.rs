//! Python's `requests` and the `openai` client, which believe that the placeholder is their key.

use valetkey_e2e::{CANARY, Origin, Tls, World};

struct OpenAi {
    world: World,
    origin: Origin,
    _tls: Tls,
}

fn openai() -> OpenAi {
    let mut world = World::new();
    let tls = Tls::new(&world);
    let origin = Origin::secure(&world, "openai_api.py", &tls, &[CANARY]);
    let port = origin.port();
    world.configure_errands(
        Some(&tls),
        &[port],
        &format!(
            r#"
[credentials.openai]
source = "static"
secret = "canary"
variable = "OPENAI_API_KEY"
base_url_variable = "MODEL_BASE"
placeholder_prefix = "sk-"
[[credentials.openai.inject]]
hosts = ["api.test:{port}"]
paths = ["/v1/*"]
header = "authorization"
scope = "read"
on_placeholder = true
"#
        ),
    );
    world.open_for_errands();
    OpenAi {
        world,
        origin,
        _tls: tls,
    }
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
    let OpenAi { world, origin, .. } = openai();
    let port = origin.port();
    std::fs::write(world.workspace().join("client.py"), CLIENT).unwrap();
    let script = format!("OPENAI_BASE_URL=https://api.test:{port}/v1 python3 client.py");
    is_served(&world.errand(&script).ok().stdout, &origin);
}

#[test]
fn the_openai_client_by_a_base_url() {
    let OpenAi { world, origin, .. } = openai();
    std::fs::write(world.workspace().join("client.py"), CLIENT).unwrap();
    let script = "unset HTTPS_PROXY https_proxy HTTP_PROXY http_proxy ALL_PROXY all_proxy
        OPENAI_BASE_URL=$MODEL_BASE/v1 python3 client.py";
    is_served(&world.errand(script).ok().stdout, &origin);
}

#[track_caller]
fn is_served(said: &str, origin: &Origin) {
    assert!(
        said.starts_with("['small']\none word at a time for Bearer "),
        "{said}"
    );
    assert!(said.ends_with("5 one word at a time\n"), "{said}");
    let seen = origin.seen();
    assert_eq!(seen.len(), 3);
    for one in seen {
        assert_eq!(one["headers"]["authorization"], format!("Bearer {CANARY}"));
    }
}

/// Somebody else's key is not replaced, and the host's answer to it reaches the agent as it is.
#[test]
fn a_key_that_is_no_placeholder_goes_as_it_is() {
    let OpenAi { world, origin, .. } = openai();
    let port = origin.port();
    std::fs::write(world.workspace().join("client.py"), CLIENT).unwrap();
    let script = format!(
        "OPENAI_API_KEY=sk-mine OPENAI_BASE_URL=https://api.test:{port}/v1 python3 client.py"
    );
    let said = world.errand(&script);
    assert_ne!(said.status, 0, "{said:?}");
    assert!(
        said.stderr
            .contains("Incorrect API key provided: Bearer sk-mine"),
        "{said:?}"
    );
}

#[test]
fn requests_in_one_session() {
    let mut world = World::new();
    let tls = Tls::new(&world);
    let origin = Origin::secure(&world, "origin.py", &tls, &[]);
    let port = origin.port();
    world.configure_errands(
        Some(&tls),
        &[port],
        &format!(
            r#"
[credentials.api]
source = "static"
secret = "canary"
[[credentials.api.inject]]
hosts = ["api.test:{port}"]
header = "authorization"
prefix = "Token "
scope = "read"
"#
        ),
    );
    world.open_for_errands();
    let client = format!(
        r#"
import json, requests

with requests.Session() as session:
    for _ in range(20):
        answer = session.post("https://api.test:{port}/gzip", json={{"a": "b"}}, timeout=60)
        answer.raise_for_status()
        assert json.loads(answer.json()["body"]) == {{"a": "b"}}, answer.text
    print(answer.json()["headers"])
"#
    );
    std::fs::write(world.workspace().join("client.py"), client).unwrap();
    let said = world.errand("python3 client.py").ok();
    assert!(said.stdout.contains("Token "), "{said:?}");
    let seen = origin.seen();
    assert_eq!(seen.len(), 20);
    for one in seen {
        assert_eq!(one["headers"]["authorization"], format!("Token {CANARY}"));
    }
}
