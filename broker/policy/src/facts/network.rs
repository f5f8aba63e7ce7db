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
            ("plain", RestrictedExpression::new_bool(is_plain(path))),
            ("safe", RestrictedExpression::new_bool(is_safe(method))),
        ]),
    };
    sent.into_iter().flatten()
}
