//! Headers that are for this hop alone (RFC 9110 section 7.6.1).

use http::{HeaderMap, HeaderName, HeaderValue, header};

const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
/// By these a request asks to be taken for one of another method or path than the policies saw.
const OTHER_REQUEST: [&str; 10] = [
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-method",
    "x-original-method",
    "x-forwarded-method",
    "x-forwarded-uri",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
];
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// Takes out what is for this hop. `TE: trailers` stays, which gRPC asks for.
pub(crate) fn strip(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(header::CONNECTION)
            .iter()
            .flat_map(|value| value.as_bytes().split(|b| *b == b','))
            .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
            .collect();
        for name in named {
            // Framing and host are not a client's to take away.
            if name != header::TE && name != header::HOST && name != header::CONTENT_LENGTH {
                headers.remove(name);
            }
        }
        headers.remove(header::CONNECTION);
    }
    let trailers = headers
        .get_all(header::TE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|b| *b == b','))
        .any(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"trailers"));
    for name in [
        header::TE,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        header::EXPECT,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        PROXY_CONNECTION,
        KEEP_ALIVE,
        HTTP2_SETTINGS,
    ] {
        headers.remove(name);
    }
    // To programs behind CGI and its kin `_` in a name is `-`.
    let is_other = |name: &&HeaderName| {
        let name = name.as_str().replace('_', "-");
        OTHER_REQUEST.contains(&name.as_str())
    };
    let others: Vec<HeaderName> = headers.keys().filter(is_other).cloned().collect();
    for name in others {
        headers.remove(name);
    }
    if trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName};

    use super::strip;

    #[test]
    fn no_request_passes_for_another_one() {
        let mut headers = HeaderMap::new();
        for name in [
            "x-http-method-override",
            "x_http_method_override",
            "x-http_method",
            "x-method_override",
            "x-method",
            "x-original-method",
            "x-forwarded_method",
            "x-forwarded-uri",
            "x-original_uri",
            "x-original-url",
            "x_rewrite_url",
            "x-http-methods",
            "x-original-host",
        ] {
            let name = HeaderName::from_static(name);
            headers.insert(name, "DELETE".parse().unwrap());
        }
        strip(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["x-http-methods", "x-original-host"]);
    }
}
