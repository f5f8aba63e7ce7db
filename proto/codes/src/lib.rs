//! The error table: every way Valetkey can say no, once.
//!
//! A [`Code`] is a name; its row says what each edge shows: the stable text id, the gRPC code, the
//! HTTP status, the exit status of the command line, whether trying again can help, how loudly it is
//! logged and the next step a person or an agent is told. Core names codes, edges read columns.
//! `docs/errors.md` is checked against this table.

mod code;
mod exit;
mod retry;
mod row;
mod table;

pub use code::Code;
pub use exit::Exit;
pub use retry::Retry;
pub use row::{Grpc, Level, Row};

#[cfg(test)]
mod tests;
