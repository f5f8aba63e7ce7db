//! Runs the binary.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::stub::Stub;

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.status, 0, "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// `valetkey` with an environment of nothing but what is set here.
pub(crate) fn valetkey<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_valetkey"));
    command.env_clear().env("TZ", "UTC").args(arguments);
    command
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command, input: &[u8]) -> Outcome {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that ends without reading closes the pipe, which is no failure of the test.
    drop(child.stdin.take().unwrap().write_all(input));
    let output = child.wait_with_output().unwrap();
    Outcome {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Stub {
    /// Runs a developer's or admin's command with these space-separated arguments.
    pub(crate) fn owner(&self, arguments: &str) -> Outcome {
        self.owner_with(arguments, b"")
    }

    /// The same with something on standard input.
    pub(crate) fn owner_with(&self, arguments: &str, input: &[u8]) -> Outcome {
        run(&mut self.owner_command(arguments.split(' ')), input)
    }

    /// The same, not yet started.
    pub(crate) fn owner_command<'a>(
        &self,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Command {
        let mut command = valetkey(arguments);
        command.env("XDG_RUNTIME_DIR", self.runtime());
        command
    }

    /// Runs an agent's command.
    pub(crate) fn agent(&self, arguments: &str) -> Outcome {
        run(&mut self.agent_command(arguments.split(' ')), b"")
    }

    /// The same, not yet started.
    pub(crate) fn agent_command<'a>(
        &self,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Command {
        let mut command = valetkey(arguments);
        command.env("VALETKEY_SOCKET", self.session());
        command
    }
}
