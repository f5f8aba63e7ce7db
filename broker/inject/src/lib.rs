//! What goes into a request in place of a placeholder, and must not come back.
//!
//! | file | idea |
//! |---|---|
//! | `placeholder` | what stands in the sandbox in place of values, and where in a request it stands |
//! | `search` | finds many texts at once |
//! | `place` | puts a value into a head: header, Basic, query, cookie, path |
//! | `json` | puts a value into a JSON body, byte for byte the same elsewhere |
//! | `websocket` | puts a value into the first message of a WebSocket |
//! | `sigv4` | signs a request anew, as AWS wants it |
//! | `scrub` | masks a value in what comes back, in every form that it is likely to come in |
//!
//! Nothing here reaches anything: heads and bytes go in, heads and bytes come out. Errors are sentences
//! without a byte of the request or of the value.

mod decode;
mod error;
mod json;
mod place;
mod placeholder;
mod scrub;
mod search;
mod sigv4;
mod websocket;

pub use error::{PlaceError, TooLarge};
pub use json::{BODY_LIMIT, into_json};
pub use place::{Placed, into_head, needs_body};
pub use placeholder::Placeholders;
pub use scrub::{
    BoxBody, BoxError, Live, Needles, ScrubbedBody, ScrubbedSocket, Scrubber, Shapes, Unframed,
    Unsearchable, ask_plain, body, takes_a_window,
};
pub use sigv4::{Payload, sign};
pub use websocket::{FirstMessage, MESSAGE_LIMIT, State};
