//! Bodies that are compressed, and how not to be sent any.

use std::io;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder};
use futures_util::{TryStreamExt as _, future::ready, stream};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        ACCEPT, ACCEPT_CHARSET, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
        CONTENT_TYPE, SEC_WEBSOCKET_EXTENSIONS, TE, TRANSFER_ENCODING,
    },
};
use http_body_util::{BodyDataStream, BodyExt as _, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Body, Bytes, Frame};
use tokio::{
    io::{AsyncBufRead, AsyncRead},
    task::coop,
};
use tokio_util::io::{ReaderStream, StreamReader};

use super::{Live, ScrubbedBody, body::STEP};

/// What a body breaks with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// A scrubbed body.
pub type BoxBody = UnsyncBoxBody<Bytes, BoxError>;

/// A response that cannot be searched, and so does not go to the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the response is encoded so that it cannot be searched for the credential; `gzip`, `deflate` and `br` can be, one of them and from the beginning"
)]
pub struct Unsearchable;

/// What one poll of a decoder gives at most, in bytes.
const PIECE: usize = 16 * 1024;
/// The low seven bits of what begins like no stream of RFC 7932 (section 9.1) but one whose window may have up
/// to 1 GiB. The decoder knows those, and would take all of it for a few hundred bytes.
const LARGE_WINDOW: u8 = 0b001_0001;

/// Names of what compresses a message inside of a body: with them, gRPC and Connect do.
const INNER: [HeaderName; 3] = [
    HeaderName::from_static("grpc-encoding"),
    HeaderName::from_static("connect-content-encoding"),
    HeaderName::from_static("im"),
];
/// Names of what asks for that. `A-IM` is of RFC 3229 section 10.5.3.
const ASKS: [HeaderName; 5] = [
    ACCEPT_CHARSET,
    HeaderName::from_static("grpc-accept-encoding"),
    HeaderName::from_static("connect-accept-encoding"),
    HeaderName::from_static("a-im"),
    SEC_WEBSOCKET_EXTENSIONS,
];
/// Names of what is not so any more when a body is decoded.
const OF_ENCODED: [HeaderName; 4] = [
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
];

/// Asks the upstream for what can be searched: not compressed, in no layer. A `Range` stays.
pub fn ask_plain(headers: &mut HeaderMap) {
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for name in ASKS {
        headers.remove(name);
    }
    let mut accepted = headers.get_all(ACCEPT).into_iter();
    if accepted.any(|value| contains(value, b"charset")) {
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    }
    let trailers = words(headers, &TE).any(|word| {
        let name = word.split(|byte| *byte == b';').next().unwrap_or_default();
        name.trim_ascii().eq_ignore_ascii_case(b"trailers")
    });
    headers.remove(TE);
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
}

/// The body of a response, scrubbed, and decoded if it must be: then its headers do not say any more how
/// it was encoded and how long it is, and its trailers are dropped. The headers themselves are for
/// [`Needles::head`](super::Needles::head). Memory is bounded by what the coding's window asks for (32 KiB; for `br` up to 16 MiB)
/// however large the body is. A body in `br` whose window may be larger breaks with [`Unsearchable`] at its first byte.
///
/// A body without a byte passes as it is, as for `HEAD`. One for which there are no needles yet does not:
/// there may be some before it ends.
///
/// # Errors
/// Where it cannot be searched: another coding or several, a part of something encoded, or a layer below
/// such as gRPC's that compresses.
pub fn body<B>(
    needles: impl Into<Live>,
    headers: &mut HeaderMap,
    body: B,
) -> Result<BoxBody, Unsearchable>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    if body.is_end_stream() {
        return Ok(body.map_err(Into::into).boxed_unsync());
    }
    let chunked = |word: &[u8]| word.eq_ignore_ascii_case(b"chunked");
    let layered = |name| !words(headers, name).all(is_identity);
    if !is_plain_text(headers)
        || INNER.iter().any(layered)
        || !words(headers, &TRANSFER_ENCODING).all(chunked)
    {
        return Err(Unsearchable);
    }
    let Some(coding) = Coding::of(headers)? else {
        let body = ScrubbedBody::new(body, needles);
        return Ok(body.map_err(Into::into).boxed_unsync());
    };
    let body = match coding {
        Coding::Gzip => {
            let mut decoder = GzipDecoder::new(reader(body, |_| true));
            decoder.multiple_members(true);
            decoded(decoder, needles)
        }
        Coding::Deflate => decoded(ZlibDecoder::new(reader(body, |_| true)), needles),
        Coding::Brotli => decoded(BrotliDecoder::new(reader(body, has_usual_window)), needles),
    };
    for name in OF_ENCODED {
        headers.remove(name);
    }
    Ok(body)
}

/// Whether searching a body of such headers may take MiBs, for as long as it comes: how many are searched at once is
/// for whoever asks to bound.
pub fn takes_a_window(headers: &HeaderMap) -> bool {
    matches!(Coding::of(headers), Ok(Some(Coding::Brotli)))
}

/// Whether letters are bytes, so that a value looks as it is: not UTF-16, EBCDIC and their kin.
fn is_plain_text(headers: &HeaderMap) -> bool {
    let types = headers.get_all(CONTENT_TYPE).into_iter();
    let mut named = types.filter(|value| contains(value, b"charset"));
    named.all(|value| {
        let lower = value.as_bytes().to_ascii_lowercase();
        let parameter = lower.split(|byte| *byte == b';').find_map(|part| {
            part.trim_ascii()
                .strip_prefix(b"charset")?
                .trim_ascii()
                .strip_prefix(b"=")
        });
        let charset = parameter.unwrap_or_default().trim_ascii();
        let charset = charset.strip_prefix(b"\"").unwrap_or(charset);
        [
            &b"utf-8"[..],
            b"utf8",
            b"us-ascii",
            b"ascii",
            b"iso-8859-",
            b"windows-125",
            b"latin",
        ]
        .iter()
        .any(|known| charset.starts_with(known))
    })
}

fn contains(value: &HeaderValue, word: &[u8]) -> bool {
    let lower = value.as_bytes().to_ascii_lowercase();
    lower.windows(word.len()).any(|window| window == word)
}

/// What can be decoded.
enum Coding {
    Gzip,
    Deflate,
    Brotli,
}

impl Coding {
    /// The one that a body is in.
    fn of(headers: &HeaderMap) -> Result<Option<Self>, Unsearchable> {
        let mut codings = words(headers, &CONTENT_ENCODING).filter(|word| !is_identity(word));
        let Some(coding) = codings.next() else {
            return Ok(None);
        };
        if codings.next().is_some() || headers.contains_key(CONTENT_RANGE) {
            return Err(Unsearchable);
        }
        Ok(Some(match &*coding.to_ascii_lowercase() {
            b"gzip" | b"x-gzip" => Self::Gzip,
            b"deflate" => Self::Deflate,
            b"br" => Self::Brotli,
            _ => return Err(Unsearchable),
        }))
    }
}

fn is_identity(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"identity")
}

/// Breaks before its first byte where a stream `may` not begin with that. What is decoded may be much less than what
/// it came from: each piece of that is a step of the task's turn.
fn reader<B>(body: B, may: fn(u8) -> bool) -> impl AsyncBufRead + Send + Unpin + 'static
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let mut begun = false;
    let pieces = BodyDataStream::new(body).map_err(io::Error::other);
    let pieces = pieces.and_then(move |piece| {
        let first = piece.first().copied().filter(|_| !begun);
        begun |= first.is_some();
        ready(match first {
            Some(byte) if !may(byte) => Err(io::Error::other(Unsearchable)),
            _ => Ok(stream::iter(steps(piece).map(Ok::<_, io::Error>))),
        })
    });
    let steps = pieces.try_flatten().and_then(async |step| {
        coop::consume_budget().await;
        Ok(step)
    });
    StreamReader::new(Box::pin(steps))
}

fn steps(piece: Bytes) -> impl Iterator<Item = Bytes> {
    let begins = (0..piece.len()).step_by(STEP);
    begins.map(move |begin| piece.slice(begin..piece.len().min(begin + STEP)))
}

fn has_usual_window(first: u8) -> bool {
    first & 0x7f != LARGE_WINDOW
}

fn decoded(decoder: impl AsyncRead + Send + Unpin + 'static, needles: impl Into<Live>) -> BoxBody {
    let pieces = ReaderStream::with_capacity(decoder, PIECE).map_ok(Frame::data);
    let body = ScrubbedBody::new(StreamBody::new(pieces), needles);
    body.map_err(Into::into).boxed_unsync()
}

/// The words of a list in one or more headers (RFC 9110 section 5.6.1), whole: a coding has no parameters, and one that
/// has is none that anybody here knows.
fn words<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let lists = headers.get_all(name).into_iter();
    let words = lists.flat_map(|list| list.as_bytes().split(|byte| *byte == b','));
    words
        .map(<[u8]>::trim_ascii)
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests;
