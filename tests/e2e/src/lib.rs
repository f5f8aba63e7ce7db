//! A whole world for one end-to-end test: a private desktop with a real keyring, an identity provider,
//! the real `valetkeyd` and the real `valetkey`, all in a temporary folder and gone when the test is.
//!
//! A program that is missing is a failed test that names `make test`, never a skipped one.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what fails here fails a test"
)]

mod approvals;
mod broker;
mod command;
mod errand;
mod helper;
mod logins;
mod namespace;
mod ordinary;
mod origin;
mod programs;
mod sandbox;
mod tail;
mod world;

pub use approvals::Waiting;
pub use broker::Broker;
pub use command::Outcome;
pub use errand::{BASIC_CANARY, CANARY, Trip, venv};
pub use helper::Helper;
pub use namespace::Namespace;
pub use ordinary::as_ordinary_user;
pub use origin::{HOSTS, Origin, Tls};
pub use programs::program;
pub use sandbox::sandbox;
pub use tail::Tail;
pub use world::{Session, World, repository};
