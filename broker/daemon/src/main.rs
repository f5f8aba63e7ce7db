//! The broker.

use std::process::ExitCode;

fn main() -> ExitCode {
    valetkey_daemon::main_with(std::convert::identity)
}
