//! Into which requests a credential is put, checked.

use std::sync::Arc;

use valetkey_core::{CredentialName, Injection, Placement, ScopeSet, text::printable};

use crate::config::file::Way;

/// The header that a credential goes into where nothing else is said.
const AUTHORIZATION: &str = "authorization";

pub(super) fn ways(name: &CredentialName, ways: Vec<Way>) -> Result<Vec<Arc<Injection>>, String> {
    let checked = ways.into_iter().enumerate().map(|(number, way)| {
        let key = format!("credentials.{name}.inject[{number}]");
        self::way(&key, way).map(Arc::new)
    });
    checked.collect()
}

fn way(key: &str, way: Way) -> Result<Injection, String> {
    if way.hosts.is_empty() {
        return Err(format!(
            "`{key}.hosts` names no host; a value goes to hosts that are named"
        ));
    }
    for method in &way.methods {
        if method.is_empty() || !method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') {
            return Err(format!(
                "`{key}.methods` holds `{}`; a method is written in capitals, as `POST`",
                printable(method, 32)
            ));
        }
    }
    for path in &way.paths {
        let inner = path.strip_suffix('*').unwrap_or(path);
        if !path.starts_with('/') || inner.contains('*') {
            return Err(format!(
                "`{key}.paths` holds `{}`; a path begins with `/`, and a `*` stands at its end alone, for all that begin like it, as `/repos/*`",
                printable(path, 64)
            ));
        }
    }
    if let Some(scope) = &way.scope
        && (scope.contains(' ')
            || ScopeSet::parse([scope.as_str()]).map_or(true, |set| set.is_empty()))
    {
        return Err(format!("`{key}.scope` is not one scope"));
    }
    Ok(Injection {
        place: place(key, &way)?,
        hosts: way.hosts,
        methods: way.methods,
        paths: way.paths,
        scope: way.scope,
        always: !way.on_placeholder,
    })
}

fn place(key: &str, way: &Way) -> Result<Placement, String> {
    if way.prefix.is_some() && way.header.is_none() {
        return Err(format!(
            "`{key}.prefix` stands before the value in a `header`, and there is none here; leave it out, or name the header"
        ));
    }
    let header = way.header.as_ref().map(|name| Placement::Header {
        name: name.to_ascii_lowercase(),
        prefix: prefix(name, way.prefix.as_deref()),
    });
    let named = [
        header,
        way.basic.clone().map(|user| Placement::Basic { user }),
        way.query.clone().map(|name| Placement::Query { name }),
        way.cookie.clone().map(|name| Placement::Cookie { name }),
        way.path_segment.then_some(Placement::Path),
        way.body.clone().map(|pointer| Placement::Body { pointer }),
        way.websocket
            .clone()
            .map(|pointer| Placement::WebSocket { pointer }),
        way.sigv4
            .clone()
            .map(|access_key_id| Placement::SigV4 { access_key_id }),
    ];
    let mut named = named.into_iter().flatten();
    let (Some(place), None) = (named.next(), named.next()) else {
        return Err(format!(
            "`{key}` names not exactly one of `header`, `basic`, `query`, `cookie`, `path_segment`, `body`, `websocket` and `sigv4`"
        ));
    };
    check(key, &place)?;
    Ok(place)
}

/// In `Authorization` a bare value would be no credentials (RFC 9110 section 11.4).
fn prefix(header: &str, prefix: Option<&str>) -> String {
    let usual = if header.eq_ignore_ascii_case(AUTHORIZATION) {
        "Bearer "
    } else {
        ""
    };
    prefix.unwrap_or(usual).to_owned()
}

fn check(key: &str, place: &Placement) -> Result<(), String> {
    let token = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    };
    let fine = match place {
        Placement::Header { name, prefix } => {
            token(name)
                && prefix.bytes().all(|b| (0x20..0x7f).contains(&b))
                && !matches!(
                    name.as_str(),
                    "host" | "content-length" | "transfer-encoding" | "connection"
                )
        }
        Placement::Basic { user } => {
            !user.contains(':') && user.bytes().all(|b| b.is_ascii_graphic())
        }
        Placement::Query { name } => !name.is_empty(),
        Placement::Cookie { name } => token(name),
        Placement::Path => true,
        Placement::Body { pointer } | Placement::WebSocket { pointer } => pointer.starts_with('/'),
        Placement::SigV4 { access_key_id } => token(access_key_id),
    };
    if fine {
        Ok(())
    } else {
        Err(format!(
            "`{key}` names a place that no request has: a header other than those that frame a message, a cookie's or a parameter's name, or a JSON pointer that begins with `/`"
        ))
    }
}

#[cfg(test)]
mod tests {
    use valetkey_core::{CredentialName, Placement};

    use super::ways;
    use crate::config::file::Way;

    fn check(text: &str) -> Result<Placement, String> {
        let way: Way = toml::from_str(text).map_err(|error| error.to_string())?;
        let name = CredentialName::parse("c").unwrap();
        let checked = ways(&name, vec![way])?;
        Ok(checked[0].place.clone())
    }

    #[test]
    fn a_star_is_the_last_of_a_path() {
        let header = "hosts = ['a.b']\nheader = 'x'\n";
        assert!(check(&format!("{header}paths = ['/a/*', '/*', '/b']")).is_ok());
        let error = check(&format!("{header}paths = ['/a/*/b']")).unwrap_err();
        assert!(error.contains("`/a/*/b`; a path begins with `/`, and a `*` stands at its end"));
    }

    #[test]
    fn a_way_names_its_hosts_and_one_place() {
        let bearer = check("hosts = ['a.b']\nheader = 'Authorization'").unwrap();
        let (name, prefix) = ("authorization".to_owned(), "Bearer ".to_owned());
        assert_eq!(bearer, Placement::Header { name, prefix });
        let bare = check("hosts = ['a.b']\nheader = 'X-Key'").unwrap();
        let (name, prefix) = ("x-key".to_owned(), String::new());
        assert_eq!(bare, Placement::Header { name, prefix });
        for bad in [
            "header = 'x'",
            "hosts = ['a.b']",
            "hosts = ['a.b']\nheader = 'x'\nquery = 'y'",
            "hosts = ['a.b']\nheader = 'Host'",
            "hosts = ['a.b']\nheader = 'x y'",
            "hosts = ['a.b']\nheader = 'x'\nprefix = \"a\\nb\"",
            "hosts = ['a.b']\nbasic = 'a:b'",
            "hosts = ['a.b']\nbody = 'x'",
            "hosts = ['a.b']\nheader = 'x'\nmethods = ['post']",
            "hosts = ['a.b']\nheader = 'x'\npaths = ['v1']",
            "hosts = ['a.b']\nheader = 'x'\npaths = ['/a/*/b']",
            "hosts = ['a.b']\nheader = 'x'\npaths = ['/a/**']",
            "hosts = ['a.b']\nquery = 'key'\nprefix = 'Bearer '",
            "hosts = ['a.b']\nbasic = 'me'\nprefix = ''",
            "hosts = ['a.b']\nheader = 'x'\nscope = 'a b'",
            "hosts = ['*']\nheader = 'x'",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
