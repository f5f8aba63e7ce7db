//! Fakes: small, in memory, without cleverness. Each passes the contract suite of its port.

pub mod approvals;
pub mod callers;
pub mod doors;
pub mod keys;
pub mod lab;
pub mod ledger;
pub mod locks;
pub mod logins;
pub mod messenger;
pub mod policy;
pub mod reviewer;
pub mod rooms;
pub mod secret_store;
pub mod sessions;
pub mod sources;
