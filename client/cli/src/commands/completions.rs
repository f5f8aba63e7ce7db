//! `valetkey completions`: for the shell.

use clap::Args;
use clap_complete::Shell;
use valetkey_sdk::Exit;

use super::Outcome;
use crate::{args, output::Output};

/// Print a completion script for a shell
#[derive(Args)]
#[command(
    after_help = "Example: valetkey completions bash > ~/.local/share/bash-completion/completions/valetkey"
)]
pub(crate) struct Completions {
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, output: &Output) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut args::definition(), "valetkey", &mut script);
        output.verbatim(&script)?;
        Ok(Exit::Ok)
    }
}
