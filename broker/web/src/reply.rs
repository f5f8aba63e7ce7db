//! What came back. It may be a token: wiped, and never quoted.

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::{HeaderMap, Response, StatusCode, body::Incoming};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::client::Failure;

/// An answer, whatever its status.
pub struct Reply {
    /// Its status (RFC 9110 section 15).
    pub status: StatusCode,
    headers: HeaderMap,
    body: Zeroizing<Vec<u8>>,
}

/// An answer that is not the expected JSON. Says where, and nothing of what is there.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "its answer (status {status}) cannot be read: not the expected json at line {line}, column {column}"
)]
pub struct Unreadable {
    status: u16,
    line: usize,
    column: usize,
}

impl Reply {
    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// A header that stands there once, where its value is ASCII text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    }

    /// The answer as JSON.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Unreadable> {
        serde_json::from_slice(&self.body).map_err(|error| Unreadable {
            status: self.status.as_u16(),
            line: error.line(),
            column: error.column(),
        })
    }

    /// Reads an answer to its end, or to `limit` bytes.
    pub(crate) async fn collect(
        response: Response<Incoming>,
        limit: usize,
    ) -> Result<Self, Failure> {
        let (head, body) = response.into_parts();
        let mut rest = Limited::new(body, limit);
        // Reserved at once: a buffer that grows leaves copies of what it held.
        let mut body = Zeroizing::new(Vec::with_capacity(16 * 1024));
        while let Some(frame) = rest.frame().await {
            let frame = frame.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    Failure::TooLong(limit)
                } else {
                    Failure::Broken
                }
            })?;
            if let Some(data) = frame.data_ref() {
                body.extend_from_slice(data);
            }
        }
        Ok(Self {
            status: head.status,
            headers: head.headers,
            body,
        })
    }
}
