//! From the command line to the exit status.

use std::{io, process::ExitCode};

use clap::Parser as _;
use valetkey_codes::Exit;
use valetkey_core::{
    doctor::Finding,
    ports::{Clock as _, Ports},
};
use valetkey_host::{Activated, SystemClock, harden};

use crate::{
    arguments::Arguments,
    config::{self, Config, Paths, RequirementsAt},
    logging,
    serve::serve,
    start_error::StartError,
};

/// Threads that serve. Two are enough for what one machine's agents ask, and each costs memory.
const THREADS: usize = 2;
/// After how many steps of tasks a thread looks for what has arrived, where it always has something to do. Of bodies
/// that are searched a step is long: with tokio's 61 others wait for seconds where that is not optimised.
const EVENTS: u32 = 16;

/// The whole program. `requirements` is where the admin's lie. `decorate` is given the ports as they were
/// wired and may wrap them; `valetkeyd` itself leaves them as they are.
pub fn main_with(requirements: &RequirementsAt, decorate: impl FnOnce(Ports) -> Ports) -> ExitCode {
    // Before anything is read, and before there is a second thread.
    let host = harden();
    let activated = Activated::take();
    let arguments = Arguments::parse();
    logging::begin();
    let configured = configure(&arguments, requirements);
    let (config, paths) = match configured {
        Ok(configured) => configured,
        Err(error) => return fail(&error, Exit::Usage),
    };
    if arguments.check_config {
        return explain(&config);
    }
    match block_on_serve(&config, &paths, host, activated, decorate) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, Exit::Failure),
    }
}

fn configure(
    arguments: &Arguments,
    requirements: &RequirementsAt,
) -> Result<(Config, Paths), StartError> {
    let paths = Paths::from_environment(arguments.config.as_deref())?;
    let now = SystemClock::new()?.now().unix_seconds();
    // How old signed requirements may be is known once the ledger is open.
    let config = config::load(&paths.config, requirements, None, now)?;
    Ok((config, paths))
}

fn block_on_serve(
    config: &Config,
    paths: &Paths,
    host: Vec<Finding>,
    activated: Activated,
    decorate: impl FnOnce(Ports) -> Ports,
) -> Result<(), StartError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .event_interval(EVENTS)
        .enable_all()
        .build()?;
    let served = runtime.block_on(serve(config, paths, host, activated, decorate));
    // A thread that waits for a keyring prompt must not keep the process.
    runtime.shutdown_background();
    served
}

fn explain(config: &Config) -> ExitCode {
    use io::Write as _;
    // Whoever reads only the beginning has read what they wanted.
    drop(write!(io::stdout(), "{config}"));
    ExitCode::SUCCESS
}

fn fail(error: &dyn std::error::Error, exit: Exit) -> ExitCode {
    use io::Write as _;
    // Not through the log: it may be filtered, and this is the answer to whoever started us.
    drop(writeln!(io::stderr(), "valetkeyd: {error}"));
    ExitCode::from(exit as u8)
}
