//! What people do with policies: read them again, ask why, try changed ones on what was asked before.

mod check;
mod explain;
mod reload;
mod replay;
mod simulate;

pub use check::check;
pub use explain::{About, Explained, Hypothetical, explain};
pub use reload::reload;
pub use simulate::{Differing, Simulated, simulate};
