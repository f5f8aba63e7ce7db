//! The other leg: to the origin, at an address that was looked at.

mod connect;
mod h1;
mod leg;
mod own;
mod pool;
mod resolve;
mod tls;

pub(crate) use connect::{Reached, Way};
pub(crate) use h1::{Download, Line};
pub(crate) use leg::Leg;
pub(crate) use pool::{Key, Pool, Stream};
pub(crate) use resolve::may_reach;
pub use resolve::{Resolve, SystemResolver};
pub(crate) use tls::Trust;
pub use tls::UpstreamError;
