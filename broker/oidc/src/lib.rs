//! Logins at an OpenID provider: sign in, stay signed in, sign out.
//!
//! | file | idea |
//! |---|---|
//! | `config` | what the configuration says of the provider |
//! | `logins` | the port: who is asked what, and the one flight of many callers (`flight`) |
//! | `login` | a login from its begin to the keyring; `code_flow` with `callback`, or `device_flow` |
//! | `verify` | is this ID token true, and for us |
//! | `refresh` | ask the provider again; every way that can end |
//! | `renew`, `schedule` | when that is done by itself, and when the grace is over |
//! | `logout` | revoke, wipe, forget |
//! | `accounts`, `vault`, `journal` | what is known now; the refresh token; the durable record |
//! | `provider`, `discovery`, `client`, `form` | speaking to the provider |
//! | `trouble` | everything that goes wrong, told apart |
//!
//! The crate never opens a browser: it gives an address, and the command that a person typed opens it.

mod accounts;
mod callback;
mod client;
mod code_flow;
mod config;
mod device_flow;
mod discovery;
mod engine;
mod flight;
mod form;
mod journal;
mod login;
mod logins;
mod logout;
mod provider;
mod refresh;
mod renew;
mod schedule;
mod trouble;
mod vault;
mod verify;

pub use config::{Accepted, ConfigError, Issuer, ProviderConfig};
pub use logins::OidcLogins;
