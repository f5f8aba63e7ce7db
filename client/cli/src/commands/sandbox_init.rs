//! What `valetkey run` runs inside: closes the sandbox behind itself and becomes the agent.

use std::ffi::OsString;

use clap::Args;

use super::Outcome;
use crate::failure::Failure;

/// For `valetkey run`, inside the sandbox that it makes
#[derive(Args)]
pub(crate) struct SandboxInit {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

impl SandboxInit {
    pub(crate) fn run(self) -> Outcome {
        match valetkey_sandbox::init(self.command) {
            Ok(never) => match never {},
            Err(error) => Err(Failure::usage(
                error.to_string(),
                "this is for `valetkey run`, which calls it inside a sandbox",
            )),
        }
    }
}
