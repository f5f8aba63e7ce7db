//! Signs a request anew, as AWS wants it: Signature Version 4 in the `authorization` header ("Create a
//! signed AWS API request", IAM User Guide). The agent's SDK signs with a placeholder, which says for
//! which region and service; that signature is dropped.
//!
//! | file | idea |
//! |---|---|
//! | `scope` | what the agent's own signature says |
//! | `canonical` | the one spelling of a request that is signed |
//! | `time` | how AWS writes the time |

mod canonical;
mod scope;
mod time;

use http::{
    HeaderName, HeaderValue,
    header::{AUTHORIZATION, HOST},
    request::Parts,
};
use ring::{digest, hmac};
use valetkey_secret::{Destination, IssuedToken};
use zeroize::Zeroizing;

use crate::{PlaceError, decode};
use scope::Scope;
use time::Stamp;

/// The hash of the payload, or a word in its place.
pub(crate) const CONTENT_HASH: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// What is said of a payload that is not signed.
const UNSIGNED: &[&str] = &["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"];

/// Parameters of a signature in the query: of version 4, of version 2.
const PRESIGNED: &[&str] = &[
    "x-amz-signature",
    "x-amz-credential",
    "x-amz-algorithm",
    "x-amz-security-token",
    "awsaccesskeyid",
    "signature",
];

/// What is signed of the body.
#[derive(Clone, Copy)]
pub enum Payload<'a> {
    /// All of it.
    Known(&'a [u8]),
    /// What the request's `x-amz-content-sha256` says: a hash, or that it is not signed.
    Header,
}

/// Signs the request with `secret` as the secret access key of `access_key_id`, at `now_unix_seconds`
/// (AWS takes a clock that is at most 15 minutes away).
///
/// Signed are `host`, `content-type`, `content-md5` and every `x-amz-*`, so nothing of those may change
/// after this. The agent's `authorization`, `x-amz-date` and `x-amz-security-token` are dropped. The path and
/// the query are signed as they stand, for S3; for other services the path is normalised and encoded once
/// more, as their SDKs do.
///
/// # Errors
/// Where the request is not signed by an SDK; where it is signed in the query, chunk by chunk or with an
/// asymmetric key; where it cannot be signed.
pub fn sign(
    parts: &mut Parts,
    body: Payload<'_>,
    access_key_id: &str,
    secret: &IssuedToken,
    now_unix_seconds: u64,
) -> Result<(), PlaceError> {
    let fine = (1..=128).contains(&access_key_id.len());
    if !fine || !access_key_id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(PlaceError::BadAccessKey);
    }
    if is_presigned(parts.uri.query().unwrap_or_default()) {
        return Err(PlaceError::Presigned);
    }
    let scope = Scope::of(&parts.headers)?;
    let said = said(parts)?;
    let hash = match (body, said) {
        (Payload::Known(body), _) => hex(digest::digest(&digest::SHA256, body).as_ref()),
        (Payload::Header, Some(said)) => said,
        (Payload::Header, None) => return Err(PlaceError::BadPayloadHash),
    };
    if scope.is_s3() || parts.headers.contains_key(CONTENT_HASH) {
        parts.headers.insert(CONTENT_HASH, header(&hash)?);
    }
    for name in [AUTHORIZATION, DATE, TOKEN] {
        parts.headers.remove(name);
    }
    if !parts.headers.contains_key(HOST) {
        let authority = parts.uri.authority().ok_or(PlaceError::NotSignable)?;
        parts.headers.insert(HOST, header(authority.as_str())?);
    }
    let stamp = Stamp::of(now_unix_seconds);
    parts.headers.insert(DATE, header(&stamp.time)?);

    let signed = canonical::headers(&parts.headers)?;
    let request = canonical::request(parts, &scope, &signed, &hash);
    let request = hex(digest::digest(&digest::SHA256, request.as_bytes()).as_ref());
    let (time, scope_text) = (&stamp.time, scope.text(&stamp.date));
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope_text}\n{request}");
    let key = secret.disclose(Destination::EgressRequest, |secret| {
        let seed = Zeroizing::new([b"AWS4", secret].concat());
        let steps = [&stamp.date, &scope.region, &scope.service, "aws4_request"];
        let first = hmac::Key::new(hmac::HMAC_SHA256, &seed);
        steps.iter().fold(first, |key, step| {
            let tag = hmac::sign(&key, step.as_bytes());
            hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref())
        })
    });
    let signature = hex(hmac::sign(&key, text.as_bytes()).as_ref());
    let names = &signed.names;
    let mut authorization = header(&format!(
        "AWS4-HMAC-SHA256 Credential={access_key_id}/{scope_text}, SignedHeaders={names}, Signature={signature}"
    ))?;
    authorization.set_sensitive(true);
    parts.headers.insert(AUTHORIZATION, authorization);
    Ok(())
}

/// What the request says of its payload.
fn said(parts: &Parts) -> Result<Option<String>, PlaceError> {
    let mut all = parts.headers.get_all(CONTENT_HASH).into_iter();
    let Some(said) = all.next() else {
        return Ok(None);
    };
    let said = said.to_str().map_err(|_| PlaceError::BadPayloadHash)?;
    let hexadecimal = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let is_hash = said.len() == 64 && said.bytes().all(hexadecimal);
    match all.next() {
        None if is_hash || UNSIGNED.contains(&said) => Ok(Some(said.to_owned())),
        None if said.starts_with("STREAMING-") => Err(PlaceError::SignedChunks),
        _ => Err(PlaceError::BadPayloadHash),
    }
}

fn is_presigned(query: &str) -> bool {
    let names = query.split('&').filter_map(|one| one.split('=').next());
    names.into_iter().any(|name| {
        let mut name: Vec<u8> = decode::percent(name.as_bytes()).collect();
        name.make_ascii_lowercase();
        PRESIGNED.iter().any(|one| one.as_bytes() == name)
    })
}

fn header(text: &str) -> Result<HeaderValue, PlaceError> {
    HeaderValue::from_str(text).map_err(|_| PlaceError::NotSignable)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests;
