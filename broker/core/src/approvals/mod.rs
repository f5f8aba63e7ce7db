//! What is done with approvals: they are asked for, answered, reviewed, carried to people, used and
//! ended. The values and their transitions are in [`crate::approval`].
//!
//! An agent's request never waits in here. It finds an answer that stands, or it is told that there is
//! a question; its door may then wait for [`outcome`] and let it ask again.

mod again;
mod answer;
mod ask;
mod carry;
mod end;
mod follow;
mod review;
mod settle;
mod store;

pub use answer::{Given, answer, answer_as};
pub use carry::carry;
pub use end::{expire_due, take_back, withdraw};
pub use follow::{Shown, find, list, outcome};
pub use review::{leave_to_people, review};
pub use settle::not_taken_back;
pub(crate) use settle::settle;
