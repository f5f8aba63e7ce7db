//! What `valetkey run` runs inside: closes the sandbox behind itself and becomes the agent.

use std::ffi::OsString;

use valetkey_sdk::Exit;

use super::Outcome;
use crate::failure::Failure;

/// For `valetkey run` alone, inside the sandbox that it makes: no command of anybody's.
pub(crate) struct SandboxInit {
    command: Vec<OsString>,
}

impl SandboxInit {
    pub(crate) const fn new(command: Vec<OsString>) -> Self {
        Self { command }
    }

    pub(crate) fn run(self) -> Outcome {
        match valetkey_sandbox::init(self.command) {
            Ok(never) => match never {},
            Err(error) if error.was_told() => Ok(Exit::Failure),
            Err(error) => Err(Failure::usage(
                error.to_string(),
                "this is for `valetkey run`, which calls it inside a sandbox",
            )),
        }
    }
}
