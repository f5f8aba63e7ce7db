//! The one spelling of a request that is signed.

use http::{HeaderMap, HeaderName, HeaderValue, request::Parts};
use percent_encoding::utf8_percent_encode;

use super::scope::Scope;
use crate::{PlaceError, scrub::COMPONENT};

/// The headers that are signed.
pub(super) struct Signed {
    /// Their names, with semicolons between them.
    pub(super) names: String,
    /// One line for each.
    lines: String,
}

/// `host`, `content-type`, `content-md5` and every `x-amz-*`, by name.
pub(super) fn headers(headers: &HeaderMap) -> Result<Signed, PlaceError> {
    let mut names: Vec<&HeaderName> = headers.keys().filter(|name| is_signed(name)).collect();
    names.sort_by_key(|name| name.as_str());
    let mut lines = String::new();
    for name in &names {
        let all = headers.get_all(*name).into_iter();
        let all: Result<Vec<_>, _> = all.map(plain).collect();
        let all = all?;
        if all.len() != 1 && *name == http::header::HOST {
            return Err(PlaceError::NotSignable);
        }
        lines.push_str(&format!("{name}:{}\n", all.join(",")));
    }
    let names: Vec<_> = names.iter().map(|name| name.as_str()).collect();
    Ok(Signed {
        names: names.join(";"),
        lines,
    })
}

/// The request.
pub(super) fn request(parts: &Parts, scope: &Scope, signed: &Signed, hash: &str) -> String {
    let method = &parts.method;
    let path = path(parts.uri.path(), scope);
    let query = query(parts.uri.query().unwrap_or_default());
    let Signed { names, lines } = signed;
    format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{hash}")
}

fn is_signed(name: &HeaderName) -> bool {
    matches!(name.as_str(), "host" | "content-type" | "content-md5")
        || name.as_str().starts_with("x-amz-")
}

/// Without spaces around it, and with single ones in it.
fn plain(value: &HeaderValue) -> Result<String, PlaceError> {
    let text = value.to_str().map_err(|_| PlaceError::NotSignable)?;
    let words: Vec<_> = text.split_ascii_whitespace().collect();
    Ok(words.join(" "))
}

fn path(path: &str, scope: &Scope) -> String {
    if path.is_empty() {
        return "/".to_owned();
    }
    if scope.is_s3() {
        return path.to_owned();
    }
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            other => segments.push(utf8_percent_encode(other, COMPONENT).to_string()),
        }
    }
    let end = if path.ends_with('/') && !segments.is_empty() {
        "/"
    } else {
        ""
    };
    format!("/{}{end}", segments.join("/"))
}

/// Sorted by name and then by value, as they are encoded.
fn query(query: &str) -> String {
    if query.is_empty() {
        return String::new();
    }
    let pairs = query.split('&');
    let mut pairs: Vec<_> = pairs
        .map(|one| one.split_once('=').unwrap_or((one, "")))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}
