//! What of the network is asked for.

use cedar_policy::RestrictedExpression;
use valetkey_core::{
    is_plain, is_safe,
    network::{Origin, OriginPattern, Target},
    ports::{PolicyError, Question},
};

use super::{Known, Named, What, string};
use crate::words::{Asked, uid};

/// What does not read back as one target is nothing that any action gives.
pub(super) fn what(
    known: &mut Known<'_>,
    named: &Named,
    injected: &[OriginPattern],
    question: &Question<'_>,
) -> Result<What, PolicyError> {
    let Some(target) = target(question) else {
        let name = question.credential.name.as_str();
        return Ok(What {
            asked: Asked::Nothing,
            resource: uid(&known.words.credential, name),
            within: Vec::new(),
            circumstances: Vec::new(),
        });
    };
    let origin = target.origin();
    let injected = injected.iter().any(|pattern| pattern.matches(origin));
    let (host, domains) = known.host(named, origin, injected)?;
    let asked = match target {
        Target::Connect(_) => Asked::Connect,
        Target::Request { .. } => Asked::Request,
    };
    known.actions(asked)?;
    Ok(What {
        asked,
        resource: host,
        within: domains,
        circumstances: circumstances(origin)
            .into_iter()
            .chain(sent(&target))
            .collect(),
    })
}

/// The one target that is asked for.
pub(crate) fn target(question: &Question<'_>) -> Option<Target> {
    let mut scopes = question.scopes.iter();
    let scope = scopes.next().filter(|_| scopes.next().is_none())?;
    Target::read(scope, question.audience)
}

fn circumstances(origin: &Origin) -> [(&'static str, RestrictedExpression); 3] {
    let port = RestrictedExpression::new_long(origin.endpoint.port.into());
    [
        ("host", string(origin.endpoint.host.as_str())),
        ("port", port),
        ("scheme", string(origin.scheme.id())),
    ]
}

fn sent(target: &Target) -> impl Iterator<Item = (&'static str, RestrictedExpression)> + use<> {
    let sent = match target {
        Target::Connect(_) => None,
        Target::Request { method, path, .. } => Some([
            ("method", string(method)),
            ("path", string(path)),
            (
                "plain",
                RestrictedExpression::new_bool(is_plain(path) && is_spelt_once(path)),
            ),
            ("safe", RestrictedExpression::new_bool(is_safe(method))),
        ]),
    };
    sent.into_iter().flatten()
}

/// Whether nothing is encoded that could stand as itself (RFC 3986 section 6.2.2.2): a rule that names
/// `/admin` would not know `/%61dmin`. A `%` that is encoded is something else to whoever decodes twice.
fn is_spelt_once(path: &str) -> bool {
    let mut encoded = path.split('%').skip(1);
    encoded.all(|rest| {
        let digits = rest
            .get(..2)
            .filter(|two| two.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        byte.is_some_and(|b| !(b.is_ascii_alphanumeric() || b"-._~%".contains(&b)))
    })
}

#[cfg(test)]
mod tests {
    use super::is_spelt_once;

    #[test]
    fn what_is_encoded_without_need_is_not_spelt_once() {
        for path in ["/", "/a-b_c.d~", "/caf%C3%A9", "/a%20b", "/a%3Ab"] {
            assert!(is_spelt_once(path), "{path}");
        }
        for path in [
            "/%61dmin", "/%7Euser", "/%252e", "/%", "/%4", "/%zz", "/%+1",
        ] {
            assert!(!is_spelt_once(path), "{path}");
        }
    }
}
