//! Why a value was not put where it belongs.

use crate::{json::BODY_LIMIT, websocket::MESSAGE_LIMIT};

/// Why a value was not put where it belongs. The request must not go on: it is half changed, or would go
/// without what it needs. No sentence holds a byte of the request or of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// The value has other characters than 0x21 to 0x7E.
    #[error(
        "the credential's value is not of visible ASCII characters only, as a header's must be"
    )]
    NotForHeader,
    /// RFC 7617 section 2.
    #[error(
        "the credential's value has control characters, or its user name has those or a colon, which Basic authentication does not allow"
    )]
    NotForBasic,
    /// RFC 6265 section 4.1.1.
    #[error("the credential's value has characters that a cookie's cannot have")]
    NotForCookie,
    /// `.` and `..` are no names of segments (RFC 3986 section 3.3).
    #[error("the credential's value is empty or a dot segment, and no part of a path")]
    NotForPath,
    /// JSON text is Unicode (RFC 8259 section 8.1).
    #[error("the credential's value is not UTF-8, as a string of JSON must be")]
    NotForJson,
    /// The configuration names a header, a cookie or a prefix that cannot be.
    #[error("the configuration's name or prefix for the credential cannot stand in a header")]
    BadName,
    /// What `http` holds at most is 65,534 bytes.
    #[error("the request's target with the credential in it is longer than 65534 bytes")]
    TargetTooLong,
    /// It goes into a body, a message or a signature.
    #[error("the credential does not go into the head of a request")]
    NotInHead,
    /// Longer than [`BODY_LIMIT`].
    #[error("a body that a credential goes into has at most {BODY_LIMIT} bytes")]
    BodyTooLarge,
    /// Not what RFC 8259 calls JSON text, in UTF-8.
    #[error("a body that a credential goes into is JSON text in UTF-8")]
    NotJson,
    /// Which of them counts differs from reader to reader (RFC 8259 section 4).
    #[error("a body that a credential goes into has no key twice in one object")]
    DuplicateKey,
    /// Deeper than 128.
    #[error("a body that a credential goes into is at most 128 arrays and objects deep")]
    TooDeep,
    /// Not what RFC 6901 calls a pointer.
    #[error("the configuration's place for the credential is not a JSON pointer")]
    NotPointer,
    /// Nothing is there, and no object that it could be added to.
    #[error("the body has no place for the credential")]
    NoMember,
    /// A message longer than [`MESSAGE_LIMIT`].
    #[error(
        "the first message of a WebSocket that a credential goes into has at most {MESSAGE_LIMIT} bytes"
    )]
    MessageTooLarge,
    /// The first message is none of text.
    #[error("the first message of a WebSocket that a credential goes into is text")]
    NotTextMessage,
    /// Against RFC 6455 section 5.
    #[error("what was sent on the WebSocket is no sequence of masked frames without extensions")]
    BadFrame,
    /// The request was not signed by the agent's own SDK, so region and service are unknown.
    #[error(
        "the request has no single `AWS4-HMAC-SHA256` authorization with a credential scope to be signed anew"
    )]
    NotSigned,
    /// A signature in the query is meant to be given away.
    #[error("a presigned request is not signed anew; sign in the `authorization` header")]
    Presigned,
    /// Every chunk has a signature of its own, made with what the sandbox has in place of the key.
    #[error(
        "a body whose chunks are signed one by one is not signed anew; let the SDK sign the whole payload, or leave it unsigned"
    )]
    SignedChunks,
    /// Neither 64 hexadecimal digits nor a known word.
    #[error(
        "`x-amz-content-sha256` is to be there once, as 64 hexadecimal digits in lower case, `UNSIGNED-PAYLOAD` or `STREAMING-UNSIGNED-PAYLOAD-TRAILER`"
    )]
    BadPayloadHash,
    /// No host, two, or a header that is signed with other than visible ASCII.
    #[error(
        "a request that is signed names one host, and its signed headers are of visible ASCII characters"
    )]
    NotSignable,
    /// The configuration's id.
    #[error("the configuration's access key id is not of letters and digits, at most 128")]
    BadAccessKey,
}

/// More or longer values than can be searched for at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are more or longer values than can be searched for at once")]
pub struct TooLarge;
