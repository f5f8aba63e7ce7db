//! The broker.

use std::process::ExitCode;

use valetkey_daemon::{RequirementsAt, main_with};

fn main() -> ExitCode {
    main_with(&RequirementsAt::system(), std::convert::identity)
}
