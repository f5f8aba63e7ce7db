//! One file per row of the table.

pub(crate) mod approvals;
pub(crate) mod keyring;
pub(crate) mod memory;
pub(crate) mod process;
pub(crate) mod revoke;
pub(crate) mod scale;
pub(crate) mod throughput;
pub(crate) mod token;
