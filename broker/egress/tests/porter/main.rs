//! The gate over the core, with fakes around the core: what is asked, remembered, forgotten and recorded.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod house;
mod loans;
mod passes;
