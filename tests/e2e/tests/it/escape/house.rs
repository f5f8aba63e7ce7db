//! A world with everything in it that an agent could want to reach, and rooms in it.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::process::geteuid;
use serde_json::{Value, json};
use valetkey_e2e::{Outcome, Session, World, program};

/// The shipped profiles, and one of an admin's own.
pub(crate) const PROFILES: [&str; 4] = ["read-only", "workspace-write", "open", "lab"];

/// What is put into requests to `origin.test`.
const VALUE: &str = "canary-5d1f0c77a94be2630f18";
/// What no agent may read.
const KEY: &str = "a key of the developer's";

/// The scripts that are carried into rooms.
const SCRIPTS: [(&str, &str); 12] = [
    ("main.py", include_str!("main.py")),
    ("harness.py", include_str!("harness.py")),
    ("files.py", include_str!("files.py")),
    ("processes.py", include_str!("processes.py")),
    ("sockets.py", include_str!("sockets.py")),
    ("kernel.py", include_str!("kernel.py")),
    ("network.py", include_str!("network.py")),
    ("proxy.py", include_str!("proxy.py")),
    ("own.py", include_str!("own.py")),
    ("h2.py", include_str!("h2.py")),
    ("outside.py", include_str!("outside.py")),
    ("hand_in.py", include_str!("hand_in.py")),
];

/// What stands in for the sockets of a machine's services, which not every machine has.
const SERVICES: [&str; 4] = [
    "docker.sock",
    "dbus/system_bus_socket",
    "containerd/containerd.sock",
    "systemd/private",
];

/// A world, and whoever is outside of its rooms.
pub(crate) struct House {
    pub(crate) world: World,
    outside: Outside,
    other: Session,
    /// A room that another session lives in for as long as this.
    neighbour: Neighbour,
}

impl House {
    /// Everything is there and runs.
    pub(crate) fn new() -> Self {
        let mut world = World::new();
        furnish(&world);
        let outside = Outside::start(&world);
        configure(&world, &outside.facts);
        world.start();
        world.log_in();
        let mut add = world.command(["secret", "add", "origin-key"]);
        Outcome::of(&mut add, VALUE.as_bytes()).ok();
        let other = world.session("tester");
        let neighbour = Neighbour::start(&world);
        let house = Self {
            world,
            outside,
            other,
            neighbour,
        };
        house.write_facts();
        house
    }

    /// How each attempt is controlled.
    pub(crate) fn table(&self) -> Vec<Value> {
        lines(&mut self.at("table", on_the_desk(&self.world)))
    }

    /// What became of the attempts that are tried in `place`.
    pub(crate) fn tried(&self, place: &str) -> Vec<Value> {
        let (place_kind, profile) = place.split_once(':').unwrap_or((place, ""));
        let command = match place_kind {
            "desk" => on_the_desk(&self.world),
            "bare" => self.in_a_bare_room(),
            "own" => {
                let mut unshare = on_the_desk(&self.world);
                unshare
                    .args(["unshare", "--user", "--map-root-user", "--mount", "--net"])
                    .args(["--ipc", "--pid", "--fork"]);
                unshare
            }
            _ => self.inside(profile),
        };
        lines(&mut self.at(place, command))
    }

    /// The broker and whoever else is outside run on, and nothing of theirs has changed.
    pub(crate) fn is_unharmed(&self) {
        self.world.valetkey("audit verify").ok();
        let workspace = workspace(&self.world);
        let read = |name: &str| fs::read_to_string(workspace.join(name)).expect(name);
        assert_eq!(read(".git/config"), "[core]\n\tbare = false\n");
        assert_eq!(read("README"), "read me\n");
        let hooks = fs::read_dir(workspace.join(".git/hooks")).expect("hooks");
        assert_eq!(hooks.count(), 0);
        let alarms = self.world.records("network_refused");
        let misused = |record: &&Value| record.to_string().contains("placeholder_misused");
        assert!(alarms.iter().any(|record| misused(&record)), "an alarm");
    }

    /// Where the value is put in for its placeholder alone.
    pub(crate) fn held_url(&self) -> String {
        format!("http://held.test:{}/", self.outside.facts["origin"])
    }

    fn at(&self, place: &str, mut command: Command) -> Command {
        let main = scripts(&self.world).join("main.py");
        command
            .args(["/usr/bin/python3", "-I", "-B"])
            .arg(main)
            .arg(place)
            .current_dir(workspace(&self.world));
        command
    }

    /// `valetkey run`, started by somebody who left the home's keys open at descriptor 9.
    fn inside(&self, profile: &str) -> Command {
        let mut command = on_the_desk(&self.world);
        command.arg(program("valetkey")).args([
            "run",
            "--agent",
            "coder",
            "--profile",
            profile,
            "--",
        ]);
        command
    }

    /// A room with namespaces and nothing else, which also shows the sockets of the machine's services.
    fn in_a_bare_room(&self) -> Command {
        let mut command = on_the_desk(&self.world);
        command
            .args(["bwrap", "--unshare-all", "--die-with-parent"])
            .args(["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"])
            .args(["--tmpfs", "/run"]);
        let standing_in = self.world.folder().join("beside.sock");
        for service in SERVICES {
            command
                .arg("--bind")
                .arg(&standing_in)
                .arg(Path::new("/run").join(service));
        }
        command.arg("--");
        command
    }

    fn write_facts(&self) {
        let world = &self.world;
        let mut facts = self.outside.facts.clone();
        let issuer = world.valetkey("status --json").ok().json();
        let issuer = issuer["token_issuer"].as_str().expect("an issuer");
        let port: u16 = issuer
            .rsplit(':')
            .next()
            .and_then(|port| port.trim_end_matches('/').parse().ok())
            .expect("a port");
        let more = json!({
            "home": world.desktop.home(),
            "configuration": world.folder().join("config/valetkey/config.toml"),
            "ledger": world.database(),
            "log": world.log(),
            "workspace": workspace(world),
            "other_workspace": world.folder().join("other"),
            "readable": world.folder().join("readable"),
            "runtime": runtime(world),
            "broker": world.broker().pid(),
            "other_socket": self.other.socket,
            "issuer": port,
            "stolen": self.neighbour.placeholder,
            "root": geteuid().is_root(),
        });
        let all = facts.as_object_mut().expect("an object");
        all.extend(more.as_object().expect("an object").clone());
        let path = scripts(world).join("facts.json");
        fs::write(path, facts.to_string()).expect("facts can be written");
    }
}

pub(crate) fn workspace(world: &World) -> PathBuf {
    world.folder().join("work")
}

fn scripts(world: &World) -> PathBuf {
    workspace(world).join("escape")
}

fn runtime(world: &World) -> PathBuf {
    let runtime = world.runtime();
    runtime.parent().expect("a folder").to_owned()
}

/// The developer's shell, with what a shell has: agents, a display, and a descriptor that leads to keys.
pub(crate) fn on_the_desk(world: &World) -> Command {
    let mut command = Command::new("sh");
    let programs = program("valetkey");
    let programs = programs.parent().expect("a folder").display();
    world
        .surround(&mut command)
        .env("PATH", format!("{programs}:/usr/bin:/bin:/usr/sbin:/sbin"))
        .env("SSH_AUTH_SOCK", world.folder().join("agent.7"))
        .env("DISPLAY", ":7")
        .env("WAYLAND_DISPLAY", "wayland-0")
        .args(["-c", "exec 9<\"$0\" && exec \"$@\""])
        .arg(world.desktop.home().join(".ssh"));
    command
}

fn lines(command: &mut Command) -> Vec<Value> {
    let outcome = Outcome::of(command, b"");
    assert_eq!(outcome.status, 0, "{command:?}: {outcome:?}");
    let lines = outcome.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn furnish(world: &World) {
    let home = world.desktop.home();
    let write = |path: PathBuf, text: &str| {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    };
    write(home.join(".ssh/id_escape"), KEY);
    let folder = world.folder();
    write(folder.join("other/notes"), "another agent's notes");
    write(folder.join("readable/manual"), "to be read");
    let work = workspace(world);
    for (name, text) in [
        ("README", "read me\n"),
        ("Makefile", "all:\n"),
        (".git/HEAD", "ref: refs/heads/main\n"),
        (".git/config", "[core]\n\tbare = false\n"),
        (".git/objects/info/packs", ""),
        (".git/refs/heads/none", ""),
        (".github/workflows/build.yml", "on: push\n"),
        (".vscode/settings.json", "{}\n"),
    ] {
        write(work.join(name), text);
    }
    fs::create_dir_all(work.join(".git/hooks")).expect("a folder");
    symlink(home.join(".ssh/id_escape"), work.join("link-to-key")).expect("a link");
    symlink(".git/config", work.join("link-to-config")).expect("a link");
    for (name, text) in SCRIPTS {
        write(scripts(world).join(name), text);
    }
}

fn configure(world: &World, facts: &Value) {
    let number = |key: &str| facts[key].as_u64().expect("a port");
    let (origin, tls) = (number("origin"), number("origin_tls"));
    // Who reaches what: all of it at an address that is open.
    let policies = world.policies(
        r#"
@id("test.plain")
permit (
  principal,
  action == Valetkey::Action::"connect",
  resource
)
when {
  resource in [
    Valetkey::Host::"plain.test",
    Valetkey::Host::"metadata.test",
    Valetkey::Host::"private.test",
    Valetkey::Host::"loop.test",
    Valetkey::Host::"localhost"
  ]
};

@id("test.forbidden")
forbid (principal, action, resource in Valetkey::Host::"forbidden.test");
"#,
    );
    let names = [
        "origin.test",
        "held.test",
        "plain.test",
        "forbidden.test",
        "unasked.test",
        "loop.test",
    ];
    let names = names
        .map(|name| format!("\"{name}\" = \"127.0.0.1\""))
        .join(", ");
    let readable = world.folder().join("readable");
    world.configure(&format!(
        r#"
[policy]
folder = "{policies}"
[network]
addresses = ["127.0.0.1:{origin}", "127.0.0.1:{tls}"]
hosts = {{ {names}, "metadata.test" = "169.254.169.254", "private.test" = "10.0.0.1" }}
extra_ca = "{authority}"
wait = "1s"
[sandbox.profiles.lab]
workspace = "writable"
protected = ["Makefile"]
readable = ["{readable}"]
network = false
[credentials.origin]
source = "static"
secret = "origin-key"
[[credentials.origin.inject]]
hosts = ["http://origin.test:{origin}", "https://origin.test:{tls}"]
header = "authorization"
[credentials.held]
source = "static"
secret = "origin-key"
variable = "ESCAPE_API_KEY"
placeholder_prefix = "sk-"
[[credentials.held.inject]]
hosts = ["http://held.test:{origin}", "https://held.test:{tls}"]
header = "authorization"
on_placeholder = true
"#,
        policies = policies.display(),
        authority = facts["authority"].as_str().expect("a path"),
        readable = readable.display(),
    ));
}

/// `outside.py`; killed when dropped.
struct Outside {
    child: Child,
    facts: Value,
}

impl Outside {
    fn start(world: &World) -> Self {
        let mut command = Command::new("/usr/bin/python3");
        let mut child = world
            .surround(&mut command)
            .args(["-B"])
            .arg(scripts(world).join("outside.py"))
            .arg(world.folder())
            .arg(runtime(world))
            .arg(VALUE)
            // Whoever looks into it finds what no agent may.
            .env("ESCAPE_CANARY", VALUE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the script starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its output is piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let facts = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Self { child, facts }
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        // It ends with its input, and takes away what it made.
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

/// A session in a room that waits, and what it was given in place of the value.
pub(crate) struct Neighbour {
    pub(crate) child: Child,
    pub(crate) placeholder: String,
    pub(crate) session: String,
    pub(crate) socket: PathBuf,
}

impl Neighbour {
    pub(crate) fn start(world: &World) -> Self {
        let before: BTreeSet<String> = sessions(world).into_iter().map(|(id, _)| id).collect();
        let folder = world.folder().join("neighbour");
        fs::create_dir_all(&folder).expect("a folder");
        let script = "echo $ESCAPE_API_KEY; read -r _; exit 0";
        let mut child = on_the_desk(world)
            .arg(program("valetkey"))
            .args(["run", "--agent", "coder", "--", "sh", "-c", script])
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("valetkey starts");
        let mut placeholder = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout)
            .read_line(&mut placeholder)
            .expect("a line");
        let new = sessions(world)
            .into_iter()
            .find(|(id, _)| !before.contains(id));
        let (session, socket) = new.expect("its session");
        let placeholder = placeholder.trim().to_owned();
        assert!(placeholder.starts_with("sk-"), "{placeholder}");
        Self {
            child,
            placeholder,
            session,
            socket,
        }
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

fn sessions(world: &World) -> Vec<(String, PathBuf)> {
    let listed = world.valetkey("session list --json").ok().json();
    let listed = listed["sessions"].as_array().expect("a list").clone();
    let text = |session: &Value, key: &str| session[key].as_str().unwrap_or_default().to_owned();
    listed
        .iter()
        .map(|session| (text(session, "id"), text(session, "socket").into()))
        .collect()
}
