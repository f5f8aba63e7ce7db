//! What people do with policies: read them again, ask why, try changed ones on what was asked before.

mod check;
mod explain;
mod part;
mod reload;
mod replay;
mod simulate;
mod target;

pub use check::check;
pub use explain::{About, Explained, Hypothetical, explain};
pub use part::Part;
pub use reload::reload;
pub use simulate::{Differing, Simulated, simulate};
pub use target::{BadTarget, leave, target};
