//! Places of its own for a broker: a small disk, a kernel keyring. Needs no root.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::process::{getegid, geteuid};

use crate::Outcome;

/// A user namespace, and perhaps a mount namespace, that last as long as this.
pub struct Namespace {
    /// Waits in it for the end of its input.
    keeper: Child,
    disk: Option<PathBuf>,
}

impl Namespace {
    /// One with an empty file system of `size` (as `tmpfs(5)` takes it) over `folder`, which everybody
    /// outside sees as it was.
    pub fn with_disk(folder: &Path, size: &str) -> Self {
        let mut unshare = Command::new("unshare");
        unshare
            .args(["--user", "--map-root-user", "--mount", "sh", "-c"])
            .arg("mount -t tmpfs -o size=$1,mode=0700 small \"$2\" && echo ready && read -r _")
            .args(["sh", size])
            .arg(folder);
        Self::kept(unshare, Some(folder.to_owned()))
    }

    /// One in which the user's keyring of the kernel (user-keyring(7)) is empty.
    pub fn with_kernel_keyring() -> Self {
        let mut unshare = Command::new("unshare");
        unshare
            .args(as_outside())
            .args(["sh", "-c", "echo ready && read -r _"]);
        Self::kept(unshare, None)
    }

    fn kept(mut keeper: Command, disk: Option<PathBuf>) -> Self {
        let mut keeper = keeper
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare starts; `make test` installs it");
        let stdout = keeper.stdout.take().expect("its output is piped");
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("its output can be read");
        assert_eq!(line, "ready\n", "the kernel must allow user namespaces");
        Self { keeper, disk }
    }

    /// What runs another program in it, as the user that is outside; its name and arguments follow.
    pub fn command(&self) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--preserve-credentials", "--user", "--target"])
            .arg(self.keeper.id().to_string());
        if self.disk.is_some() {
            // In the first namespace everybody is root, because only root mounts.
            command.args(["--mount", "unshare"]).args(as_outside());
        }
        command
    }

    /// Fills the disk to its last byte.
    pub fn fill(&self) {
        let filled = self.shell("cat /dev/zero >> \"$1\"");
        assert!(filled.stderr.contains("No space left"), "{filled:?}");
    }

    /// Takes away what fills the disk.
    pub fn empty(&self) {
        self.shell("rm \"$1\"").ok();
    }

    fn shell(&self, script: &str) -> Outcome {
        let disk = self.disk.as_ref().expect("it has a disk");
        let mut command = self.command();
        command
            .args(["sh", "-c", script, "sh"])
            .arg(disk.join("filler"));
        Outcome::of(&mut command, b"")
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.keeper.kill());
        drop(self.keeper.wait());
    }
}

fn as_outside() -> [String; 3] {
    [
        "--user".to_owned(),
        format!("--map-user={}", geteuid().as_raw()),
        format!("--map-group={}", getegid().as_raw()),
    ]
}
