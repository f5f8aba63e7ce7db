//! The ledger, told elsewhere while it grows.
//!
//! A sink follows the ledger by the core's port `Audit`, from where it left off. The ledger never waits
//! for it: a sink that fails or hangs is behind, says so, and catches up.
//!
//! Where to read on: `sink` is the loop, `hand` the thread that touches the file, `file` what it does
//! there, `line` how a line looks.

mod file;
mod hand;
mod line;
mod sink;
mod status;
mod trouble;

#[cfg(test)]
mod tests;

pub use sink::FileSink;
pub use status::{SinkState, SinkStatus};
