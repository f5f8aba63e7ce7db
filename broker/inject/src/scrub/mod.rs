//! Masks a value in what comes back.
//!
//! | file | idea |
//! |---|---|
//! | `forms` | how a value may come back |
//! | `shapes` | those of one value, shared |
//! | `needles` | the search for all of them at once |
//! | `live` | what is searched for at this moment |
//! | `scrubber` | a body in chunks |
//! | `body` | a body of hyper, and its trailers |
//! | `socket` | what a WebSocket answers, message by message |
//! | `coding` | bodies that are compressed, and how not to be sent any |
//!
//! An upstream that is asked to echo what it is sent would otherwise tell the agent the value that the
//! sandbox does not have. The upstream is not hostile by itself (it knows the value), but the agent
//! chooses among everything that it can do. What is not searched is said in `forms`.

mod body;
mod coding;
mod forms;
mod live;
mod needles;
mod scrubber;
mod shapes;
mod socket;
#[cfg(test)]
mod testing;

pub use body::ScrubbedBody;
pub use coding::{BoxBody, BoxError, Unsearchable, ask_plain, body, takes_a_window};
pub(crate) use forms::{COMPONENT, SEGMENT};
pub use live::Live;
pub use needles::Needles;
pub use scrubber::Scrubber;
pub use shapes::Shapes;
pub use socket::{ScrubbedSocket, Unframed};
