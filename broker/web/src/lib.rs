//! The one way in which the broker speaks HTTP to somebody else.
//!
//! Bounded in time and size; https, but for this machine's loopback; follows no redirect, so that a
//! secret never goes where the configuration did not say; trusts the system's roots and what the
//! configuration adds, over ring. What each adapter makes of an answer is its own affair.
//!
//! | file | idea |
//! |---|---|
//! | `address` | where may be spoken to |
//! | `client` | one request, one answer |
//! | `outgoing` | what is sent, wiped afterwards |
//! | `reply` | what came back, wiped and never quoted |
//! | `trust` | whose certificates count |

mod address;
mod client;
mod outgoing;
mod reply;
mod trust;

pub use address::{Address, BadAddress, is_plain_loopback};
pub use client::{Failure, Reach, WebClient};
pub use hyper::{StatusCode, header};
pub use outgoing::{Outgoing, bearer};
pub use reply::{Reply, Unreadable};
pub use trust::TrustError;
