//! The ledger as it grows: how a test waits for what the broker does by itself.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::World;

/// Longest wait for a record before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running `valetkey audit tail --follow`, from the first record on.
pub struct Tail {
    child: Child,
    lines: Receiver<String>,
}

impl Tail {
    /// Follows the ledger of a running broker.
    pub fn of(world: &World) -> Self {
        let mut command = world.command(["audit", "tail", "--after", "0", "--follow", "--json"]);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("valetkey starts");
        let stdout = child.stdout.take().expect("its output is piped");
        let (sender, lines) = channel();
        thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            lines
                .map(|line| sender.send(line))
                .take_while(Result::is_ok)
                .count()
        });
        Self { child, lines }
    }

    /// Waits for the next record that `wanted` says yes to.
    #[track_caller]
    pub fn until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("the record comes");
            let mut line: Value = serde_json::from_str(&line).expect("a record is JSON");
            let record = line["record"].take();
            if wanted(&record) {
                return record;
            }
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
