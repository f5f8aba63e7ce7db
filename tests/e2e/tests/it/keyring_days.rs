//! Bad days of the keyring: locked, absent, hanging; and the kernel's where it is named.
#![expect(clippy::expect_used, reason = "what fails here fails a test")]

use std::{fs, path::Path, process::Stdio};

use valetkey_e2e::{Namespace, Outcome, World};
use valetkey_support::desktop::{PASSWORD, PrivateDesktop};

const TOKEN: &str = "token demo-api --scope api:read --json";

/// What a broker that was just started has not asked the keyring for yet.
const UNREAD: &str = "the signing key is read with the first token of a run";

#[test]
fn a_locked_keyring_refuses_who_needs_it_and_keeps_nobody_waiting() {
    let mut world = World::at_work();
    let (session, other) = (world.session("coder"), world.session("tester"));
    world.agent(&session, TOKEN).ok();
    world.stop();
    world.desktop.lock().expect("it can be locked");
    world.start();

    world.agent(&session, TOKEN).refused(5, "keyring_locked");
    let refused = world
        .records("token_refused")
        .pop()
        .expect("it is recorded");
    assert_eq!(refused["code"], "keyring_locked", "{UNREAD}");
    for name in ["secret list", "secret remove x"] {
        world
            .valetkey(&format!("{name} --json"))
            .refused(5, "keyring_locked");
    }
    let doctor = world.valetkey("doctor");
    assert_eq!(doctor.status, 1, "{doctor:?}");
    assert!(
        doctor.stdout.contains("the keyring is locked"),
        "{doctor:?}"
    );

    goes_on_without_the_keyring(&world, &session, &other);

    world.desktop.unlock(PASSWORD).expect("it can be unlocked");
    world.agent(&session, TOKEN).ok();
    world.valetkey("doctor").ok();
}

#[test]
fn doctor_tells_of_a_secret_that_nobody_stored_and_of_a_changed_configuration() {
    let mut world = World::new();
    world.configure(
        r#"
[credentials.tracker]
source = "static"
secret = "tracker-key"
[[credentials.tracker.inject]]
hosts = ["tracker.example.test"]
scope = "issues:read"
header = "authorization"
"#,
    );
    world.start();
    let doctor = world.valetkey("doctor");
    assert_eq!(doctor.status, 1, "{doctor:?}");
    let step = "store it with `valetkey secret add tracker-key`";
    assert!(doctor.stdout.contains(step), "{doctor:?}");

    let mut add = world.command(["secret", "add", "tracker-key"]);
    Outcome::of(&mut add, b"canary-of-a-tracker").ok();
    let doctor = world.valetkey("doctor").ok();
    assert!(!doctor.stdout.contains("tracker-key"), "{doctor:?}");
    assert!(
        doctor.stdout.contains("as the broker read it"),
        "{doctor:?}"
    );

    world.configure("");
    let doctor = world.valetkey("doctor").ok();
    assert!(doctor.stdout.contains("was changed since"), "{doctor:?}");
}

/// What needs no keyring: lists, refusals, a revocation.
fn goes_on_without_the_keyring(
    world: &World,
    session: &valetkey_e2e::Session,
    other: &valetkey_e2e::Session,
) {
    world.valetkey("session list").ok();
    world.agent(session, "grants").ok();
    world
        .agent(session, "token demo-api --scope api:admin --json")
        .refused(3, "denied");
    let revoke = format!(
        "admin revoke --session {} --reason drill --account boss",
        other.id
    );
    world.valetkey(&revoke).ok();
    world.agent(other, TOKEN).refused(3, "session_revoked");
}

#[test]
fn a_hanging_keyring_holds_up_only_who_waits_for_it() {
    let mut world = World::at_work();
    let (session, other) = (world.session("coder"), world.session("tester"));
    world.agent(&session, TOKEN).ok();
    world.stop();
    world.configure("[keyring]\ndeadline = \"10m\"\n");
    world.start();
    world.desktop.freeze_keyring().expect("it can be frozen");

    let mut command = world.command(TOKEN.split(' '));
    let mut waiting = command
        .env("VALETKEY_SOCKET", &session.socket)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("valetkey starts");
    goes_on_without_the_keyring(&world, &session, &other);
    assert!(
        waiting.try_wait().expect("it can be asked").is_none(),
        "{UNREAD}"
    );

    world.desktop.thaw_keyring().expect("it can be thawed");
    let answered = waiting.wait_with_output().expect("it can be waited for");
    assert!(answered.status.success(), "{answered:?}");
    world.agent(&session, TOKEN).ok();
}

#[test]
fn a_hanging_keyring_is_slow_after_the_configured_time_and_works_when_it_is_back() {
    let mut world = World::at_work();
    let session = world.session("coder");
    world.agent(&session, TOKEN).ok();
    world.stop();
    world.configure("[keyring]\ndeadline = \"1s\"\n");
    world.start();
    world.desktop.freeze_keyring().expect("it can be frozen");

    let message = world.agent(&session, TOKEN).refused(5, "keyring_slow");
    assert!(!message.is_empty());
    let refused = world
        .records("token_refused")
        .pop()
        .expect("it is recorded");
    assert_eq!(
        refused["detail"], "the keyring did not answer within 1 s",
        "{refused}"
    );
    world
        .valetkey("secret list --json")
        .refused(5, "keyring_slow");

    world.desktop.thaw_keyring().expect("it can be thawed");
    world.agent(&session, TOKEN).ok();
}

#[test]
fn without_a_keyring_a_login_fails_loudly_and_leaves_nothing_behind() {
    let no_bus = PrivateDesktop::without_bus().expect("a desktop");
    let nobody = PrivateDesktop::without_keyring().expect("a desktop");
    for (desktop, why) in [
        (no_bus, "there is no session bus"),
        (nobody, "nothing on the session bus provides secrets"),
    ] {
        // With a kernel keyring that only this broker could have filled.
        let kernel = Namespace::with_kernel_keyring();
        let mut world = World::on(desktop);
        world.start_by(kernel.command());

        let refused = world.login("default", "alice");
        assert_eq!(refused.status, 5, "{refused:?}");
        for said in [why, "next: start GNOME Keyring"] {
            assert!(refused.stderr.contains(said), "{refused:?}");
        }
        let record = world
            .records("login_refused")
            .pop()
            .expect("it is recorded");
        assert_eq!(record["code"], "keyring_absent");
        let report = world.idp.report();
        assert!(
            report.live_refresh_tokens.is_empty(),
            "it was given back: {report:?}"
        );
        assert_eq!(report.counters.revocation, 1);

        world
            .valetkey("session start --agent coder --json")
            .refused(5, "not_logged_in");
        let mut add = world.command(["secret", "add", "deploy-key", "--json"]);
        Outcome::of(&mut add, b"canary-of-a-person").refused(5, "keyring_absent");
        let doctor = world.valetkey("doctor");
        assert_eq!(doctor.status, 1, "{doctor:?}");
        assert!(doctor.stdout.contains(why), "{doctor:?}");

        assert_eq!(kernel_keys(&kernel), "keyring is empty\n");
        world.stop();
        no_secret_in(world.folder());
        no_secret_in(&world.desktop.home());
    }
}

fn kernel_keys(namespace: &Namespace) -> String {
    let mut keyctl = namespace.command();
    Outcome::of(keyctl.args(["keyctl", "list", "@u"]), b"")
        .ok()
        .stdout
}

/// No file of the broker's holds the canary, or anything like a refresh token of the provider's: 256
/// bits in Base64.
fn no_secret_in(folder: &Path) {
    for entry in fs::read_dir(folder)
        .expect("the folder can be read")
        .flatten()
    {
        let path = entry.path();
        if path.is_dir() {
            no_secret_in(&path);
        } else if let Ok(bytes) = fs::read(&path) {
            let found = secret_in(&bytes);
            assert_eq!(found, None, "in {}", path.display());
        }
    }
}

fn secret_in(bytes: &[u8]) -> Option<String> {
    let words = bytes.split(|byte| !byte.is_ascii_alphanumeric() && !b"-_".contains(byte));
    let mut words = words.map(|word| String::from_utf8_lossy(word).into_owned());
    words.find(|word| {
        let digest = word.bytes().all(|byte| byte.is_ascii_hexdigit());
        word.contains("canary") || word.len() >= 43 && !digest
    })
}

#[test]
fn the_search_for_secrets_finds_some() {
    let token = "lYVvpH2vVYLqgYV4R7_wUKzbEoP-9RoJTqcMHBxs8Qk";
    assert_eq!(
        secret_in(format!("{{\"t\":\"{token}\"}}").as_bytes()).as_deref(),
        Some(token)
    );
    assert_eq!(secret_in(b"a canary-1 b").as_deref(), Some("canary-1"));
    assert_eq!(
        secret_in(b"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"),
        None
    );
}

#[test]
fn the_kernel_keyring_serves_where_it_is_named() {
    let kernel = Namespace::with_kernel_keyring();
    let mut world = World::on(PrivateDesktop::without_bus().expect("a desktop"));
    world.configure("[keyring]\nstore = \"kernel\"\n");
    // With a session keyring that does not lead to the user's, as systemd starts services.
    let start = |world: &mut World| {
        let mut command = kernel.command();
        command.args(["keyctl", "session", "-"]);
        world.start_by(command);
    };
    start(&mut world);
    world.login("default", "alice").ok();
    let session = world.session("coder");
    world.agent(&session, TOKEN).ok();
    let mut add = world.command(["secret", "add", "deploy-key"]);
    Outcome::of(&mut add, b"value\n").ok();

    let doctor = world.valetkey("doctor").ok();
    for said in ["kernel", "is gone after a reboot"] {
        assert!(doctor.stdout.contains(said), "{doctor:?}");
    }
    let keys = kernel_keys(&kernel);
    for entry in ["login/default", "secret/deploy-key"] {
        assert!(
            keys.contains(&format!("valetkey:valetkey/{entry}")),
            "{keys}"
        );
    }

    world.stop();
    start(&mut world);
    world.agent(&session, TOKEN).ok();
    let list = world.valetkey("secret list --json").ok().json();
    assert_eq!(list["names"], serde_json::json!(["deploy-key"]));
    world.valetkey("logout").ok();
    assert!(
        !kernel_keys(&kernel).contains("login/default"),
        "it is wiped"
    );
}

#[test]
fn secrets_are_added_listed_and_removed_without_a_prompt() {
    let world = World::at_work();
    let add = |name: &str, value: &[u8]| {
        Outcome::of(&mut world.command(["secret", "add", name, "--json"]), value)
    };
    let names = || world.valetkey("secret list --json").ok().json()["names"].clone();
    assert_eq!(names(), serde_json::json!([]));

    add("deploy-key", b"one\n").ok();
    add("deploy-key", b"two").ok();
    add("other", &[0xff; 1000]).ok();
    assert_eq!(names(), serde_json::json!(["deploy-key", "other"]));
    let entries = world.desktop.entries().expect("the keyring can be asked");
    for name in ["deploy-key", "other"] {
        assert!(
            entries.contains(&format!("valetkey/secret/{name}")),
            "{entries:?}"
        );
    }

    for (name, value) in [
        ("empty", b"".as_slice()),
        ("only-a-line-end", b"\n"),
        ("too-long", &[b'x'; (64 << 10) + 1]),
        ("no/name", b"value"),
        ("\u{1b}[2J", b"value"),
    ] {
        add(name, value).refused(2, "invalid_request");
    }
    assert_eq!(names(), serde_json::json!(["deploy-key", "other"]));

    world.valetkey("secret remove deploy-key").ok();
    world
        .valetkey("secret remove deploy-key --json")
        .refused(5, "secret_absent");
    assert_eq!(names(), serde_json::json!(["other"]));
    assert_eq!(world.records("secret_stored").len(), 3);
    assert_eq!(world.records("secret_removed").len(), 1);
}
