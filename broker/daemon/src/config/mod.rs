//! `config.toml`: read, checked, explained. Unknown keys are errors that name the nearest known key,
//! and nothing starts with a configuration that was only half understood.

mod check;
mod explain;
mod file;
mod load;
mod paths;
mod span;

pub use check::Config;
pub use load::{ConfigError, load};
pub use paths::Paths;
