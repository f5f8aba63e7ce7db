//! What tests share: dumb fakes of the ports, a movable clock, and one contract suite per port that
//! fakes and real adapters pass alike.

pub mod contracts;
pub mod desktop;
pub mod fakes;
pub mod http;

mod clock;
mod entropy;

pub use clock::MovableClock;
pub use entropy::CountingEntropy;
