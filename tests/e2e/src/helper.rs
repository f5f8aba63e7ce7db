//! A small server in Python beside the broker; killed when dropped.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use crate::repository;

/// A running server.
pub struct Helper {
    child: Child,
    /// The port that it listens on, on loopback.
    pub port: u16,
}

impl Helper {
    /// Starts a script of `tests/e2e/tests`, which says its port in its first line.
    pub fn start(script: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new("/usr/bin/python3")
            .arg(repository().join("tests/e2e/tests").join(script))
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the script starts");
        let mut port = String::new();
        let stdout = child.stdout.take().expect("its output is piped");
        BufReader::new(stdout)
            .read_line(&mut port)
            .expect("it says its port");
        Self {
            child,
            port: port.trim().parse().expect("a port"),
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
