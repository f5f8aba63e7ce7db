//! What the tests of this folder share.

use http::{Request, request::Parts};
use valetkey_core::{Injection, Placement};
use valetkey_secret::IssuedToken;
use zeroize::Zeroizing;

use crate::{PlaceError, Placed, into_head};

pub(super) const PLACEHOLDER: &str = "ghp_QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJC";

pub(super) fn head(uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

pub(super) fn injection(place: Placement, always: bool) -> Injection {
    Injection {
        hosts: Vec::new(),
        methods: Vec::new(),
        paths: Vec::new(),
        scope: None,
        place,
        always,
    }
}

pub(super) fn into(
    parts: &mut Parts,
    place: Placement,
    value: &str,
    always: bool,
) -> Result<Placed, PlaceError> {
    let value = IssuedToken::new(Zeroizing::new(value.as_bytes().to_vec()));
    into_head(parts, &injection(place, always), &value, Some(PLACEHOLDER))
}

/// The headers, sorted.
pub(super) fn shown(parts: &Parts) -> Vec<String> {
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
    };
    let mut all: Vec<_> = parts.headers.iter().map(line).collect();
    all.sort();
    all
}
