//! A workspace on a host, and agents in rooms with it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use valetkey_sandbox::{Ended, Mount, Need, Private, Room, Sandbox};

/// Set in every room of these tests, so that this program knows that it is in one.
const INSIDE: &str = "VALETKEY_TEST_INSIDE";

/// What looks like the certificate of an authority.
pub(crate) const AUTHORITY: &str =
    "-----BEGIN CERTIFICATE-----\ndGhlIHByb3h5\n-----END CERTIFICATE-----\n";

pub(crate) struct House {
    folder: tempfile::TempDir,
}

pub(crate) struct Outcome {
    pub(crate) status: i32,
    /// What it wrote to standard output and error.
    pub(crate) text: String,
    pub(crate) leftovers: Vec<String>,
}

impl House {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["home/project", "out"] {
            fs::create_dir_all(folder.path().join(name)).expect("a folder");
        }
        Self { folder }
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.folder.path().join("home/project")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the workspace's.
    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.workspace().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, content).expect("a file");
        path
    }

    /// A repository in the workspace, or in `folder`.
    pub(crate) fn git(&self, folder: &Path, words: &[&str]) {
        let output = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
            .args(words)
            .current_dir(folder)
            .env("HOME", self.path("home"))
            .output()
            .expect("git runs");
        assert!(output.status.success(), "{words:?}: {output:?}");
    }

    /// A repository beside the workspace with these worktrees, of which one may be the workspace.
    pub(crate) fn worktrees(&self, paths: &[&str]) -> PathBuf {
        let repository = self.path("home/repository");
        fs::create_dir(&repository).expect("a folder");
        self.git(&repository, &["init", "-q"]);
        fs::remove_dir(self.workspace()).expect("it is empty");
        self.git(
            &repository,
            &["commit", "-q", "--allow-empty", "-m", "first"],
        );
        for path in paths {
            self.git(&repository, &["worktree", "add", "-q", path]);
        }
        repository
    }

    /// A room whose agent is a shell with this script; what it writes goes to a file on the host.
    pub(crate) fn room(&self, script: &str) -> Room {
        let script = format!("rm -f /out/text; exec >>/out/text 2>&1\n{script}");
        let command = ["sh", "-c", &script].map(Into::into).into();
        let this = env::current_exe().expect("a test knows its own path");
        let mut room = Room::new(this, self.workspace(), command);
        room.init_arguments = ["house::inside", "--exact", "--nocapture", "--"]
            .map(Into::into)
            .into();
        room.variables = vec![(INSIDE.into(), "1".into())];
        room.mounts = vec![Mount {
            host: self.path("out"),
            inside: "/out".into(),
            writable: true,
        }];
        room.private = Private {
            home: self.path("home"),
            folders: Vec::new(),
        };
        room.landlock = Need::Required;
        room
    }

    pub(crate) fn start(&self, room: &Room) -> Sandbox {
        let mut sandbox = Sandbox::spawn(room).expect("a room");
        sandbox.go().expect("it begins");
        sandbox
    }

    pub(crate) fn run(&self, room: &Room) -> Outcome {
        let Ended { status, leftovers } = self.start(room).wait().expect("it ends");
        Outcome {
            status,
            text: self.text(),
            leftovers,
        }
    }

    pub(crate) fn script(&self, script: &str) -> Outcome {
        self.run(&self.room(script))
    }

    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.path("out/text")).unwrap_or_default()
    }
}

/// Waits until something is so.
pub(crate) fn eventually(what: &str, so: impl Fn() -> bool) {
    for _ in 0..1000 {
        if so() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{what}: not within ten seconds");
}

/// Not a test: in a room this program closes it and becomes the agent, as `valetkey sandbox-init` does.
#[test]
fn inside() {
    if env::var_os(INSIDE).is_some() {
        let command = env::args_os().skip_while(|word| word != "--").skip(1);
        let error = valetkey_sandbox::init(command.collect()).expect_err("it comes back only then");
        panic!("{error}");
    }
}
