//! Fakes: small, in memory, without cleverness. Each passes the contract suite of its port.

pub mod callers;
pub mod ledger;
pub mod logins;
pub mod policy;
pub mod secret_store;
pub mod sessions;
pub mod sources;
