//! What a head says of what follows it, and what it may not say.

use http::{HeaderMap, Method, Version, header, request::Parts};
use valetkey_core::Refusal;

use super::invalid;

/// Longest method, in bytes.
const METHOD: usize = 32;

/// Refuses methods and framings that servers read differently. The server's parser has already refused
/// folded lines, lengths that differ and codings of HTTP/1.0, and where a length and a coding stood
/// together it has dropped the length (RFC 9112 section 6.3).
pub(super) fn check(parts: &Parts) -> Result<(), Refusal> {
    method(&parts.method)?;
    let headers = &parts.headers;
    if count(headers, header::CONTENT_LENGTH) > 1 {
        return Err(invalid(
            "the header `content-length` is there more than once",
        ));
    }
    if let Some(coding) = headers.get(header::TRANSFER_ENCODING) {
        let chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked");
        if !chunked || count(headers, header::TRANSFER_ENCODING) > 1 {
            return Err(invalid("the only transfer coding is `chunked`"));
        }
        if headers.contains_key(header::CONTENT_LENGTH) {
            return Err(invalid(
                "a body has a length or a transfer coding, not both",
            ));
        }
    }
    if let Some(expected) = headers.get(header::EXPECT)
        && !expected.as_bytes().eq_ignore_ascii_case(b"100-continue")
    {
        return Err(invalid("the only expectation is `100-continue`"));
    }
    if headers.contains_key(header::UPGRADE) && !upgrades(parts) {
        return Err(invalid("the only upgrade is a GET to `websocket`"));
    }
    Ok(())
}

/// Whether it asks for a WebSocket (RFC 6455 section 4.1).
pub(crate) fn upgrades(parts: &Parts) -> bool {
    let upgrade = parts.headers.get(header::UPGRADE);
    let websocket = upgrade.is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"));
    websocket
        && count(&parts.headers, header::UPGRADE) == 1
        && parts.method == Method::GET
        && parts.version == Version::HTTP_11
        && !parts.headers.contains_key(header::CONTENT_LENGTH)
        && !parts.headers.contains_key(header::TRANSFER_ENCODING)
}

/// Upper-case letters, digits and hyphens: what policies compare. `TRACE` sends back what it was sent, and
/// with it what was put in.
fn method(method: &Method) -> Result<(), Refusal> {
    let text = method.as_str();
    let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-';
    if text.len() > METHOD || !text.bytes().all(plain) {
        return Err(invalid(
            "a method is of at most 32 upper-case letters, digits and hyphens",
        ));
    }
    if *method == Method::TRACE || text == "TRACK" {
        return Err(invalid("`TRACE` is not forwarded"));
    }
    Ok(())
}

fn count(headers: &HeaderMap, name: http::HeaderName) -> usize {
    headers.get_all(name).iter().count()
}
