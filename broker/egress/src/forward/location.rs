//! A redirect of an origin that the client does not know by its name.

use http::{HeaderMap, HeaderValue, header};
use valetkey_core::network::Origin;

/// What a client calls an origin: `http://<local>/<credential>`.
pub(crate) struct Base {
    local: String,
    credential: String,
    origin: Origin,
}

impl Base {
    /// The base that a client has for `origin`.
    pub(super) const fn new(local: String, credential: String, origin: Origin) -> Self {
        Self {
            local,
            credential,
            origin,
        }
    }

    /// Rewrites `Location` where it stays at the origin; elsewhere it stays as it is.
    pub(super) fn rewrite(&self, headers: &mut HeaderMap) {
        let location = headers
            .get(header::LOCATION)
            .and_then(|to| to.to_str().ok());
        let Some(path) = location.and_then(|location| self.path_of(location)) else {
            return;
        };
        let Self {
            local, credential, ..
        } = self;
        if let Ok(location) = HeaderValue::from_str(&format!("http://{local}/{credential}{path}")) {
            headers.insert(header::LOCATION, location);
        }
    }

    fn path_of(&self, location: &str) -> Option<String> {
        if location.starts_with('/') && !location.starts_with("//") {
            return Some(location.to_owned());
        }
        let (origin, rest) = Origin::split(location).ok()?;
        let slash = if rest.starts_with('/') { "" } else { "/" };
        (origin == self.origin).then(|| format!("{slash}{rest}"))
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, header};
    use valetkey_core::network::Origin;

    use super::Base;

    #[test]
    fn only_a_redirect_to_the_same_origin_is_rewritten() {
        let (origin, _) = Origin::split("https://api.example.com").unwrap();
        let base = Base::new("127.0.0.1:3128".into(), "api".into(), origin);
        for (location, becomes) in [
            ("/next?a=b", "http://127.0.0.1:3128/api/next?a=b"),
            (
                "https://api.example.com/next",
                "http://127.0.0.1:3128/api/next",
            ),
            ("https://API.example.com:443/", "http://127.0.0.1:3128/api/"),
            ("https://api.example.com", "http://127.0.0.1:3128/api/"),
            ("https://api.example.com?q", "http://127.0.0.1:3128/api/?q"),
            ("http://api.example.com/next", "http://api.example.com/next"),
            (
                "https://api.example.com.evil/",
                "https://api.example.com.evil/",
            ),
            ("//api.example.com/x", "//api.example.com/x"),
            ("next", "next"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::LOCATION, location.parse().unwrap());
            base.rewrite(&mut headers);
            assert_eq!(headers.get(header::LOCATION).unwrap(), becomes);
        }
    }
}
