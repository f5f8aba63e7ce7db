//! `valetkey`: the client of the Valetkey broker, for agents, developers and admins.

mod args;
mod browser;
mod commands;
mod failure;
mod hardening;
mod lifetime;
mod output;

use std::{mem, process::ExitCode};

use clap::error::ErrorKind;
use tokio::runtime;
use valetkey_sdk::Exit;

use crate::{
    args::{Command, Line},
    commands::Outcome,
    failure::Failure,
    output::Output,
};

fn main() -> ExitCode {
    hardening::no_core_file();
    let exit = match args::parse() {
        // Before there is a runtime: it closes what it did not open, and becomes another program.
        Ok(Line {
            command: Command::SandboxInit(init),
            json,
        }) => told(&Output::new(json), init.run()),
        Ok(line) => serve(line),
        Err(error) => output::usage(&error, status(error.kind())),
    };
    ExitCode::from(exit as u8)
}

/// Runs one command on this thread alone: a second one costs more than any command gains by it.
fn serve(line: Line) -> Exit {
    let output = Output::new(line.json);
    let outcome = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::local(format!("the runtime cannot be made: {error}")))
        .and_then(|runtime| {
            let outcome = runtime.block_on(commands::run(line.command, &output));
            // The process ends now, and the kernel takes the runtime apart faster.
            mem::forget(runtime);
            outcome
        });
    told(&output, outcome)
}

fn told(output: &Output, outcome: Outcome) -> Exit {
    outcome.unwrap_or_else(|failure| output.failure(&failure))
}

const fn status(kind: ErrorKind) -> Exit {
    match kind {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Ok,
        _ => Exit::Usage,
    }
}
