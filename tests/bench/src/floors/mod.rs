//! What the work of the broker is made of, each by itself: nothing that does the same can be faster.

pub(crate) mod call;
pub(crate) mod commit;
pub(crate) mod decision;
pub(crate) mod signature;
