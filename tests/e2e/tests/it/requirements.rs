//! The admin's requirements win, field by field, and nothing below loosens them (promise 9).
#![expect(clippy::expect_used, reason = "what fails here fails a test")]

use std::{fs, path::PathBuf, process::Command};

use serde_json::Value;
use valetkey_e2e::{Outcome, World, program};

/// A folder for requirements that belongs to whoever runs the test, as root's does on a machine.
fn requirements(world: &World, text: &str) -> PathBuf {
    let folder = world.folder().join("etc");
    fs::create_dir_all(&folder).expect("a folder for requirements");
    world.script("etc/requirements.toml", text);
    folder
}

fn start_under(world: &mut World, text: &str) {
    let folder = requirements(world, text);
    let folder = folder.to_str().expect("a plain path").to_owned();
    world.start_as(
        "valetkeyd-faulty",
        &[("VALETKEY_TEST_REQUIREMENTS", &folder)],
    );
}

/// Tries to start under what lies in the folder already.
fn does_not_start(world: &World) -> String {
    let mut command = Command::new("timeout");
    world
        .surround(&mut command)
        .env("VALETKEY_TEST_REQUIREMENTS", world.folder().join("etc"))
        .arg("20")
        .arg(program("valetkeyd-faulty"));
    let ended = Outcome::of(&mut command, b"");
    assert!(ended.status == 1 || ended.status == 2, "{ended:?}");
    ended.stderr
}

fn work(world: &World) {
    world.login("default", "alice").ok();
    world.login("boss", "boss").ok();
}

#[test]
fn what_the_admin_requires_replaces_what_the_user_wrote() {
    let mut world = World::new();
    // The user makes themselves an admin, reads for longer, and approves alone.
    world.configure("[approvals]\nremember_max = \"20h\"\n[session]\nmax_lifetime = \"48h\"\n");
    start_under(
        &mut world,
        r#"
[session]
max_lifetime = "1h"
[admin]
groups = ["security"]
[approvals]
four_eyes = true
[credentials.demo-api]
min_tier = "human"
max_lifetime = "5m"
"#,
    );
    work(&world);
    let told = world.valetkey("status").ok().stdout;
    for key in ["session.max_lifetime", "admin.groups"] {
        assert!(told.contains(key), "{key}: {told}");
    }
    let doctor = world.valetkey("doctor").stdout;
    assert!(doctor.contains("session.max_lifetime"), "{doctor}");

    let session = world.session("coder");
    let asked = world.ask(&session, "token demo-api --scope api:read");
    assert_eq!(world.questions()[0]["lifetime_seconds"], 300);
    world.approve(&asked, "--once").refused(3, "not_approver");
    // Whom the user's file calls an admin is none.
    world
        .valetkey("admin sessions --account boss --json")
        .refused(3, "not_admin");
    let read = world.records("requirements_read").pop().expect("recorded");
    assert_eq!(read["enforced"], true);
}

#[test]
fn audit_only_tells_what_would_be_refused_and_refuses_nothing() {
    let mut world = World::new();
    start_under(
        &mut world,
        "mode = \"audit-only\"\n[credentials.demo-api]\nmin_tier = \"human\"\n",
    );
    work(&world);
    let session = world.session("coder");
    world
        .agent(&session, "token demo-api --scope api:read")
        .ok();
    let told = world.records("would_be_refused");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["tier"], "auto");
    assert_eq!(told[0]["would_be"], "human");
}

#[test]
fn the_admins_policies_stand_in_the_place_of_the_users() {
    let mut world = World::new();
    let folder = world.policies("permit (principal, action, resource);");
    world.configure(&format!("[policy]\nfolder = \"{}\"\n", folder.display()));
    start_under(
        &mut world,
        "[policy.files]\n\"10-nothing.cedar\" = '''\n@id(\"admin.nothing\")\nforbid (principal, action, resource);\n'''\n",
    );
    work(&world);
    let session = world.session("coder");
    world
        .agent(&session, "token demo-api --scope api:read --json")
        .refused(3, "denied");
    world.valetkey("policy reload").ok();
    world
        .agent(&session, "token demo-api --scope api:read --json")
        .refused(3, "denied");
}

#[test]
fn requirements_that_others_can_write_are_none() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let folder = requirements(&world, "[approvals]\nfour_eyes = true\n");
    let file = folder.join("requirements.toml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("a mode can be set");
    let said = does_not_start(&world);
    assert!(said.contains("requirements.toml"), "{said}");
    world.script("etc/requirements.toml", "[approvals]\nfour_eys = true\n");
    let said = does_not_start(&world);
    assert!(said.contains("did you mean `four_eyes`"), "{said}");
}

/// Signs with the real minisign, as a fleet tool would.
struct Fleet {
    folder: PathBuf,
}

impl Fleet {
    fn of(world: &World) -> Self {
        let folder = world.folder().join("etc");
        fs::create_dir_all(&folder).expect("a folder for requirements");
        let fleet = Self { folder };
        fleet.minisign(&["-G", "-W", "-f", "-p", "fleet.pub", "-s", "fleet.key"]);
        let public = fs::read_to_string(fleet.folder.join("fleet.pub")).expect("a public key");
        world.script("etc/fleet.pub", &public);
        fleet
    }

    fn minisign(&self, arguments: &[&str]) {
        let mut command = Command::new("minisign");
        command.current_dir(&self.folder).args(arguments);
        Outcome::of(&mut command, b"\n").ok();
    }

    fn deliver(&self, version: u64, expires: &str, text: &str) {
        let bundle = format!("version = {version}\nexpires = \"{expires}\"\n{text}");
        fs::write(self.folder.join("bundle.toml"), bundle).expect("a bundle can be written");
        self.minisign(&["-S", "-s", "fleet.key", "-m", "bundle.toml"]);
    }
}

#[test]
fn signed_requirements_never_go_back() {
    let mut world = World::new();
    let fleet = Fleet::of(&world);
    assert!(
        does_not_start(&world).contains("bundle"),
        "a fleet's machine needs its bundle"
    );

    let strict = "[credentials.demo-api]\nmin_tier = \"human\"\n";
    fleet.deliver(7, "2099-01-01T00:00:00Z", strict);
    let start = |world: &mut World| {
        let folder = world.folder().join("etc").display().to_string();
        world.start_as(
            "valetkeyd-faulty",
            &[("VALETKEY_TEST_REQUIREMENTS", &folder)],
        );
    };
    start(&mut world);
    work(&world);
    let session = world.session("coder");
    world.ask(&session, "token demo-api --scope api:read");
    let read = world.records("requirements_read").pop().expect("recorded");
    assert_eq!(read["version"], 7);
    world.stop();

    // Altered after it was signed.
    let bundle = world.folder().join("etc/bundle.toml");
    let signed = fs::read_to_string(&bundle).expect("the bundle");
    fs::write(&bundle, signed.replace("human", "auto")).expect("it can be altered");
    assert!(does_not_start(&world).contains("signature"));
    // An older one that was signed once.
    fleet.deliver(6, "2099-01-01T00:00:00Z", "");
    let said = does_not_start(&world);
    assert!(said.contains('6') && said.contains('7'), "{said}");
    // One whose time is over.
    fleet.deliver(8, "2020-01-01T00:00:00Z", strict);
    assert!(does_not_start(&world).contains("2020"));
    fleet.deliver(8, "2099-01-01T00:00:00Z", "");
    start(&mut world);
    world
        .agent(&session, "token demo-api --scope api:read")
        .ok();
}

#[test]
fn a_required_copy_of_the_ledger_is_kept() {
    let mut world = World::new();
    let copy = world.folder().join("copy.jsonl");
    let sink = format!("[ledger]\nsinks = [\"file:{}\"]\n", copy.display());
    start_under(&mut world, &sink);
    work(&world);
    let session = world.session("coder");
    world
        .agent(&session, "token demo-api --scope api:read")
        .ok();
    let records = world.records("token_issued").len();
    // The copy follows by itself; `doctor` says how far it came.
    let head = world.valetkey("audit tail -n 1 --json").ok().json()["sequence"].clone();
    let caught_up = format!("copied up to record {head}");
    let mut looks = (0..200).map(|_| world.valetkey("doctor").stdout);
    assert!(looks.any(|said| said.contains(&caught_up)), "{caught_up}");
    let text = fs::read_to_string(&copy).expect("a copy");
    let issued = text.lines().filter(|line| line.contains("token_issued"));
    assert_eq!(issued.count(), records);
}

#[test]
fn the_system_path_is_read_by_the_real_broker() {
    // A mount namespace of its own puts requirements where the real broker looks for them.
    let mut world = World::new();
    requirements(&world, "[session]\nmax_lifetime = \"1h\"\n");
    let mut bwrap = Command::new("bwrap");
    bwrap
        .args(["--die-with-parent", "--dev-bind", "/", "/"])
        // Nothing is made on the machine itself: `/etc` is another one.
        .args(["--tmpfs", "/etc", "--ro-bind", "/etc/ssl", "/etc/ssl"])
        .args(["--ro-bind", "/etc/passwd", "/etc/passwd", "--ro-bind"])
        .arg(world.folder().join("etc/requirements.toml"))
        .arg("/etc/valetkey/requirements.toml");
    world.start_by(bwrap);
    let told: Value = world.valetkey("status --json").ok().json();
    let lines = told["requirements"].to_string();
    assert!(lines.contains("/etc/valetkey/requirements.toml"), "{told}");
}
