//! A small server in Python beside the broker; killed when dropped.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use crate::repository;

/// A running server.
pub struct Helper {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// The port that it listens on, on loopback.
    pub port: u16,
}

impl Helper {
    /// Starts a script of `tests/e2e/tests/it`, which says its port in its first line.
    pub fn start(script: &str, arguments: &[&str]) -> Self {
        Self::start_by("/usr/bin/python3".as_ref(), script, arguments)
    }

    /// The same by another Python than the system's.
    pub fn start_by(python: &Path, script: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(python)
            .arg(repository().join("tests/e2e/tests/it").join(script))
            .args(arguments)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the script starts; `make test` installs what it needs");
        let stdout = child.stdout.take().expect("its output is piped");
        let mut helper = Self {
            child,
            stdout: BufReader::new(stdout),
            port: 0,
        };
        helper.port = helper.line().parse().expect("a port");
        helper
    }

    /// The next line that it says; waits for it.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("it says something");
        line.trim().to_owned()
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
