//! Agents that are sent out by `valetkey run`, and nothing of the secret that they may have kept.

use std::{fmt::Write as _, fs, path::PathBuf, process::Command};

use crate::{
    Outcome, World,
    origin::{HOSTS, Origin, Tls},
    repository,
};

/// The value that is put into requests, and that no agent may ever have.
pub const CANARY: &str = "canary-4b8fJq2ZxW7tPm0sVd5nRk";
/// The same as the password of the user `git`.
pub const BASIC_CANARY: &str = "Z2l0OmNhbmFyeS00YjhmSnEyWnhXN3RQbTBzVmQ1blJr";

/// What every script begins and ends with: when it is over, everything that a process of the sandbox has in
/// its environment is said, and what is left in its own folders is kept for the test to look at.
const FRAME: &str = r#"
set -euo pipefail
leave() {
    status=$?
    trap - EXIT
    set +e
    printf '\n%s\n' ENVIRONMENT
    cat /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n'
    tar --create --file=remains.tar /tmp /var/tmp "$HOME" 2>/dev/null
    exit $status
}
trap leave EXIT
export PATH="$TOOLS/bin:$NODE/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 GIT_TERMINAL_PROMPT=0
"#;
const MARK: &str = "\nENVIRONMENT\n";

impl World {
    /// A configuration with these ports of loopback open, an authority of the test's own, a profile that
    /// shows the clients that agents have, and `extra`.
    pub fn configure_errands(&self, tls: Option<&Tls>, ports: &[u16], extra: &str) {
        let mut network = "[network]\nwait = \"60s\"\n".to_owned();
        let mut add = |line: String| writeln!(network, "{line}").expect("text");
        let addresses = ports.iter().map(|port| format!("\"127.0.0.1:{port}\""));
        add(format!("addresses = [{}]", join(addresses)));
        let hosts = HOSTS
            .iter()
            .map(|host| format!("\"{host}\" = \"127.0.0.1\""));
        add(format!("hosts = {{ {} }}", join(hosts)));
        if let Some(tls) = tls {
            add(format!("extra_ca = \"{}\"", tls.authority.display()));
        }
        add(format!(
            "[sandbox]\nprofile = \"tools\"\n[sandbox.profiles.tools]\nworkspace = \"writable\"\nreadable = [\"{}\"]",
            venv().display()
        ));
        self.configure(&format!("{network}\n{extra}"));
    }

    /// Starts the broker, logs alice and boss in, and gives the broker the secret of the name `canary`.
    pub fn open_for_errands(&mut self) {
        self.start();
        self.login("default", "alice").ok();
        self.login("boss", "boss").ok();
        let mut add = self.command(["secret", "add", "canary"]);
        Outcome::of(&mut add, CANARY.as_bytes()).ok();
        fs::create_dir_all(self.workspace()).expect("a workspace");
    }

    /// The folder that agents work in.
    pub fn workspace(&self) -> PathBuf {
        self.folder().join("workspace")
    }

    /// `valetkey run` with these options for a script of bash, which is not run yet. It has `VENV/bin` and
    /// Node first in its `PATH`.
    pub fn errand_command(&self, options: &str, script: &str) -> Command {
        let workspace = self.workspace();
        let venv = venv();
        let framed = format!(
            "TOOLS={}; NODE={}\n{FRAME}\n{script}",
            venv.display(),
            node().display()
        );
        let mut run = self.command(["run", "--agent", "coder", "--workspace"]);
        run.arg(&workspace)
            .args(options.split_whitespace())
            .args(["--", "bash", "-c", &framed]);
        run
    }

    /// Sends an agent out, and looks through what it said and what it left for the secret.
    #[track_caller]
    pub fn errand(&self, script: &str) -> Outcome {
        self.errand_with("", script)
    }

    /// The same with options of `valetkey run`.
    #[track_caller]
    pub fn errand_with(&self, options: &str, script: &str) -> Outcome {
        let mut outcome = Outcome::of(&mut self.errand_command(options, script), b"");
        self.nothing_kept(&outcome);
        if let Some((said, _)) = outcome.stdout.split_once(MARK) {
            outcome.stdout = said.to_owned();
        }
        outcome
    }

    /// The secret is nowhere: neither in what was said, the environment of every process among it, nor in
    /// what is left.
    #[track_caller]
    pub fn nothing_kept(&self, outcome: &Outcome) {
        let said = [&outcome.stdout, &outcome.stderr];
        assert!(
            outcome.stdout.contains(MARK),
            "the script did not end as it should: {outcome:?}"
        );
        for secret in [CANARY, BASIC_CANARY] {
            let found = said.iter().any(|said| said.contains(secret));
            assert!(!found, "the secret was said: {outcome:?}");
        }
        let remains = self.workspace().join("remains.tar");
        assert!(remains.is_file(), "nothing is left to look at: {outcome:?}");
        let mut grep = Command::new("grep");
        grep.args(["-raFl", "-e", CANARY, "-e", BASIC_CANARY])
            .arg(self.workspace());
        let found = Outcome::of(&mut grep, b"");
        assert_eq!(
            (found.status, found.stdout.as_str()),
            (1, ""),
            "the secret was kept: {found:?}"
        );
    }
}

/// A world whose agents are sent to one host: `api.test`, at a port of its own.
pub struct Trip {
    /// Where the broker and its agents are.
    pub world: World,
    /// What they are sent to.
    pub origin: Origin,
    /// What the host shows over TLS, if it does.
    pub tls: Option<Tls>,
    /// The host's URL, without a path.
    pub base: String,
    /// The host and its port.
    pub host: String,
}

impl Trip {
    /// To a script over TLS that has these arguments, open for errands. In the TOML that is added HOST stands
    /// for `api.test:PORT`, and PORT for the port.
    pub fn to(script: &str, arguments: &[&str], extra: &str) -> Self {
        Self::within(World::new(), script, arguments, extra)
    }

    /// The same in a world that is there already.
    pub fn within(world: World, script: &str, arguments: &[&str], extra: &str) -> Self {
        let tls = Tls::new(&world);
        let origin = Origin::secure(&world, script, &tls, arguments);
        Self::begin(world, origin, Some(tls), extra)
    }

    /// The same without TLS.
    pub fn in_the_clear(script: &str, extra: &str) -> Self {
        let world = World::new();
        let origin = Origin::plain(&world, script);
        Self::begin(world, origin, None, extra)
    }

    fn begin(mut world: World, origin: Origin, tls: Option<Tls>, extra: &str) -> Self {
        let port = origin.port();
        let host = format!("{}:{port}", HOSTS[0]);
        let extra = extra.replace("HOST", &host);
        let extra = extra.replace("PORT", &port.to_string());
        world.configure_errands(tls.as_ref(), &[port], &extra);
        world.open_for_errands();
        let scheme = if tls.is_some() { "https" } else { "http" };
        Self {
            world,
            origin,
            tls,
            base: format!("{scheme}://{host}"),
            host,
        }
    }

    /// Puts a file into the workspace.
    pub fn pack(&self, name: &str, text: &str) {
        fs::write(self.world.workspace().join(name), text).expect("a file");
    }

    /// [`World::errand`] for a script that finds the host in `$HOST` and its URL in `$BASE`.
    #[track_caller]
    pub fn errand(&self, script: &str) -> Outcome {
        self.errand_with("", script)
    }

    /// The same with options of `valetkey run`.
    #[track_caller]
    pub fn errand_with(&self, options: &str, script: &str) -> Outcome {
        let script = format!("HOST={}; BASE={}\n{script}", self.host, self.base);
        self.world.errand_with(options, &script)
    }
}

fn join(all: impl Iterator<Item = String>) -> String {
    all.collect::<Vec<_>>().join(", ")
}

/// What `make test` installed of Python's packages.
pub fn venv() -> PathBuf {
    let venv = fs::canonicalize(repository().join("target/venv"));
    venv.expect("the packages are there; `make test` installs them")
}

/// The Node of `make test`, which is in there as well.
fn node() -> PathBuf {
    let node = fs::canonicalize(repository().join("target/node"));
    node.expect("Node is there; `make test` installs it")
}
