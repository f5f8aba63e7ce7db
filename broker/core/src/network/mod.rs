//! Where an agent's traffic may go: names and origins in one spelling, so that nothing is compared that
//! two sides could read differently.

mod address;
mod host;
mod origin;
mod pattern;

pub use address::{AddressClass, class_of};
pub use host::{BadHost, HostName};
pub use origin::{Endpoint, Origin, Scheme, Target};
pub use pattern::{BadPattern, OriginPattern};
