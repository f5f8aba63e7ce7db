//! The broker's log: lines on standard error, where a service manager or a terminal reads them.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::{EnvFilter, fmt};

/// Begins to log. `VALETKEY_LOG` chooses what, in the form of `tracing_subscriber`'s `EnvFilter`; by
/// default this project's own at `info` and everybody else's at `warn`.
pub(crate) fn begin() {
    let filter = EnvFilter::try_from_env("VALETKEY_LOG")
        .unwrap_or_else(|_| EnvFilter::new("warn,valetkey=info"));
    let log = fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    // It fails only where a log was begun already.
    drop(log.try_init());
}
