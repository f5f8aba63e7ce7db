//! Contract suites: what every implementation of a port promises. A suite is given a way to make a
//! fresh adapter and panics where a promise is broken.

pub mod approvals;
pub mod callers;
pub mod ledger;
pub mod locks;
pub mod logins;
pub mod policy;
pub mod reviewer;
pub mod secret_store;
pub mod sessions;
pub mod sources;
