//! `valetkeyd`: reads the configuration, wires every adapter to the core, serves until told to stop.

mod approvals;
mod arguments;
mod chores;
mod config;
mod logging;
mod run;
mod serve;
mod signals;
mod start_error;
mod wire;

pub use run::main_with;
