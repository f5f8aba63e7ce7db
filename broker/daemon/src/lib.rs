//! `valetkeyd`: reads the configuration, wires every adapter to the core, serves until told to stop.

mod approvals;
mod arguments;
mod chores;
mod config;
mod logging;
mod requirements;
mod run;
mod serve;
mod signals;
mod start_error;
mod wire;

pub use config::RequirementsAt;
pub use run::main_with;
