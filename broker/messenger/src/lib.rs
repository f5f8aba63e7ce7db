//! Ways to people: how a question leaves this machine's terminal, and how an answer may come back.
//!
//! | file | idea |
//! |---|---|
//! | `config` | what the configuration says |
//! | `desktop` | a notification on the desktop; nothing comes back |
//! | `webhook` | a signed question to a server, a signed answer back |
//! | `question`, `answer` | what goes out, what may come back |
//! | `signature` | how both are signed (Standard Webhooks) |
//! | `seen` | what came back before |
//!
//! A messenger vouches for who answered, and for nothing else: whether they may, and whether the
//! question is still open, the core asks itself.

mod answer;
mod config;
mod desktop;
mod question;
mod seen;
mod signature;
mod webhook;

pub use config::{ConfigError, WebhookConfig};
pub use desktop::DesktopMessenger;
pub use webhook::{Wait, WebhookMessenger};
