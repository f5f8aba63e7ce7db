//! The layers that a process lays around itself, and what became of them.

mod files;
mod filter;

use serde::{Deserialize, Serialize};

pub(crate) use self::{files::restrict as restrict_files, filter::restrict as restrict_calls};

/// What holds an agent, beside its namespaces and the filter of system calls, without which there is no
/// room at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Layers {
    /// What Landlock does.
    pub landlock: Landlock,
}

/// What Landlock does on this kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Landlock {
    /// All that was asked for: files, devices, signals, abstract sockets.
    Full,
    /// What an older kernel knows: files, but not the whole of the rest.
    Partial,
    /// Nothing.
    None,
}
