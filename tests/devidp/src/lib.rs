//! A small, honest OpenID provider for the demo and the fast tests. Never part of what is shipped.
//!
//! Honest means that it refuses what a real provider refuses: no PKCE, a redirect that is not this
//! machine's loopback, a code used twice, a refresh token used twice. So a client that passes here
//! passes for the right reasons, and a [`Fault`] switched on at run time is the only thing wrong with it.
//!
//! It trusts whoever can reach its loopback port: users are picked, not authenticated.
//!
//! | file | idea |
//! |---|---|
//! | `config` | who may log in, to which clients, for how long |
//! | `server` | a thread with a listener that can go down and come back |
//! | `routes` | the list of endpoints, and discovery |
//! | `authorize`, `page` | the browser's side: code + PKCE, the login page |
//! | `token` | the token endpoint: code, refresh, device |
//! | `device` | RFC 8628's other two endpoints |
//! | `account` | userinfo, revocation, logout |
//! | `books` | grants, codes, refresh tokens: every rule about using something twice |
//! | `keys`, `id_token` | signing, and what is signed |
//! | `fault`, `control` | what can be made to go wrong, and the switch |

mod account;
mod authorize;
mod books;
mod clock;
mod config;
mod control;
mod device;
mod error;
mod fault;
mod id_token;
mod keys;
mod page;
mod provider;
mod random;
mod routes;
mod scope;
mod server;
mod token;

#[cfg(test)]
mod walks;

pub use config::{Alg, Config, User};
pub use control::Report;
pub use fault::Fault;
pub use provider::Counters;
pub use server::DevIdp;
