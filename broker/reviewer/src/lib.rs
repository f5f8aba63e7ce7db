//! A second pair of eyes that is a program: given a request, what the session did so far and the
//! policies' view, it says approve, deny or escalate.
//!
//! | file | idea |
//! |---|---|
//! | `config` | what the configuration says of a reviewer |
//! | `case` | what it is given: one JSON object, with the agent's words in one place of it |
//! | `plain` | how that object is written, so that nothing in a string looks like anything else |
//! | `prompt` | what a language model is told to do with it |
//! | `verdict` | what counts as an answer |
//! | `command`, `process`, `trusted` | asks a program of this machine |
//! | `chat`, `completion` | asks an OpenAI-compatible server |
//!
//! Whatever a reviewer says is evidence. Its yes counts as far as the policies let it; everything that
//! is not clearly an answer is an error, and an error is a question to a person.

mod case;
mod chat;
mod command;
mod completion;
mod config;
mod plain;
mod process;
mod prompt;
mod trusted;
mod verdict;

pub use chat::ChatReviewer;
pub use command::CommandReviewer;
pub use config::{ChatConfig, CommandConfig, ConfigError};
