//! The embedded database: the ledger, the sessions, their leases and approvals, the machine's locks,
//! and who is logged in.
//!
//! One SQLite file, one thread that writes it (`writer`), any number of threads that read it
//! (`readers`). Whatever is queued is stored in one transaction with one flush, and only then is
//! anybody answered: an answer means that the record survives a power cut.
//!
//! Where to read on: a record's way is `queue` -> `writer` -> `batch` -> `chain`; how the other rows hang
//! on the records is told in `bound`, and what a store that opens believes of them in `link` and `tail`;
//! how tampering is found, and what is not, in `verify` and `checkpoint`.

mod anchor;
mod approvals;
mod audit;
mod ballast;
mod batch;
mod bound;
mod chain;
mod checkpoint;
mod error;
mod held;
mod job;
mod key;
mod ledger;
mod link;
mod live;
mod locks;
mod logins;
mod open;
mod questions;
mod queue;
mod readers;
mod requirements;
mod rows;
mod schema;
mod sessions;
mod signature;
mod store;
mod tail;
mod verify;
mod writer;

pub use checkpoint::CheckpointError;
pub use error::OpenError;
pub use store::{Options, Store};
