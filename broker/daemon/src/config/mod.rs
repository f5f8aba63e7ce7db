//! `config.toml` under the admin's requirements: read, checked, explained. Unknown keys are errors that
//! name the nearest known key, and nothing starts with a configuration that was only half understood.

mod as_read;
mod check;
mod environment;
mod explain;
mod file;
mod load;
mod model;
mod paths;
mod requirements;
mod span;

pub(crate) use as_read::AsRead;
pub(crate) use load::{ConfigError, load};
pub(crate) use model::{Config, Policies, Reviewer, ReviewerKind, Sink, TrialConfig};
pub(crate) use paths::Paths;
pub use requirements::RequirementsAt;
