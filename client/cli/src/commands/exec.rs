//! `valetkey exec`: one command with what its rule gives it.

use std::{
    ffi::OsString,
    io,
    os::unix::process::CommandExt as _,
    process::{self, Command},
    time::Duration,
};

use clap::Args;
use valetkey_sdk::Agent;

use super::Outcome;
use crate::{failure::Failure, lifetime, output::Output};

/// Run a command with the credential that the rule for it gives, and with no other
///
/// Which command is given what stands in the admin's or the developer's command rules. The credential is
/// in the environment of the command; what runs beside it in the same sandbox may look at it, so it
/// carries nothing beyond its rule. The exit status is the command's; 127 where it is not found, 126 where it
/// cannot be run.
#[derive(Args)]
#[command(after_help = "Example: valetkey exec -- gh pr list")]
pub(crate) struct Exec {
    /// Where the rule asks for an approval, wait this long for it
    #[arg(long, value_name = "TIME", value_parser = lifetime::parse, allow_hyphen_values = true)]
    wait: Option<Duration>,
    /// The command and its arguments
    #[arg(required = true, last = true, value_name = "CMD")]
    command: Vec<OsString>,
}

impl Exec {
    pub(crate) async fn run(self, output: &Output) -> Outcome {
        let words = self
            .command
            .iter()
            .map(|word| word.to_str().map(str::to_owned));
        let words: Option<Vec<String>> = words.collect();
        let words = words.ok_or_else(|| {
            Failure::usage("the command is not UTF-8", "run it without `valetkey exec`")
        })?;
        let agent = Agent::from_env().await?;
        let wait = self.wait.unwrap_or_default();
        let prepared = output
            .waiting(
                "waits for what the command is given",
                agent.prepare_command(words, wait),
            )
            .await?;
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(Failure::usage("there is no command", "name one after `--`"));
        };
        let mut command = Command::new(program);
        command.args(arguments);
        for variable in prepared.variables {
            command.env(variable.name, variable.value);
        }
        // Becomes the command, or comes back to say why not.
        let error = command.exec();
        let program = program.to_string_lossy();
        let failure = Failure::usage(
            format!("`{program}` could not be started: {error}"),
            "look at the command's name and whether the sandbox has it",
        );
        output.failure(&failure);
        process::exit(not_started(&error))
    }
}

/// The status of a command that is not there, and of one that cannot be run, as a shell has them.
fn not_started(error: &io::Error) -> i32 {
    match error.kind() {
        io::ErrorKind::NotFound => 127,
        _ => 126,
    }
}
