//! What a command of ours said and how it ended.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

/// The end of a command.
#[derive(Debug)]
pub struct Outcome {
    /// Its exit status.
    pub status: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Outcome {
    /// Runs a command to its end, with `input` as its standard input.
    pub fn of(command: &mut Command, input: &[u8]) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        // A command that ends without reading its input closes the pipe, which is no failure of it.
        drop(child.stdin.take().map(|mut stdin| stdin.write_all(input)));
        let Output {
            status,
            stdout,
            stderr,
        } = child
            .wait_with_output()
            .expect("the command can be waited for");
        Self {
            status: status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        }
    }

    /// The same, or a failed test where it did not succeed.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 0, "{self:?}");
        self
    }

    /// How a command with `--json` was refused: this exit status, this code, nothing on standard
    /// output, and a next step. Gives back the message.
    #[track_caller]
    pub fn refused(&self, status: i32, code: &str) -> String {
        assert_eq!(
            (self.status, self.stdout.as_str()),
            (status, ""),
            "{self:?}"
        );
        let told: Value =
            serde_json::from_str(&self.stderr).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        assert_eq!(told["error"], code, "{self:?}");
        assert!(
            told["next_step"]
                .as_str()
                .is_some_and(|step| !step.is_empty()),
            "{self:?}"
        );
        told["message"].as_str().unwrap_or_default().to_owned()
    }

    /// Its standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
