//! `config.toml`: read, checked, explained. Unknown keys are errors that name the nearest known key,
//! and nothing starts with a configuration that was only half understood.

mod check;
mod explain;
mod file;
mod load;
mod paths;
mod span;

pub(crate) use check::Config;
pub(crate) use load::{ConfigError, load};
pub(crate) use paths::Paths;
