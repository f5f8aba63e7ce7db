//! What the targets share. Nothing here uses the proxy's own readers to judge the proxy.
//!
//! | file | idea |
//! |---|---|
//! | `strict` | reads HTTP/1.1 in the one way that nobody reads differently |
//! | `near` | a client: bytes, in pieces |
//! | `far` | an origin: reads strictly, answers by the request's path |
//! | `origin` | an origin that says what it was told to |
//! | `world` | a proxy with a gate that allows one origin, and what it has seen |
//! | `check` | what is true of every connection, whatever was sent |
//! | `forms` | a value as it may come back |
//! | `memory` | how much was held at most |

pub mod check;
pub mod far;
pub mod forms;
pub mod memory;
pub mod near;
pub mod origin;
pub mod strict;
pub mod world;
