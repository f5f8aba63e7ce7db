//! What a case asks for.

use valetkey_core::{
    Algorithm, Audience, Audiences, Credential, CredentialName, Credentials, LIFETIME_CEILING,
    ScopeSet, SourceKind, Tier, UserId,
    network::{OriginPattern, Target},
    policies,
};

use super::{
    super::stand_in,
    table::{Ask, Case},
    wrong,
};

/// A credential with exactly the scopes that are asked for, and the origins that one is put into requests
/// to, where the case says which.
pub(super) struct What {
    pub(super) credential: Credential,
    pub(super) injected: Option<Vec<OriginPattern>>,
}

impl What {
    pub(super) fn new(ask: &Ask, case: &Case, credentials: &Credentials) -> Result<Self, String> {
        let Some(target) = target(ask, case)? else {
            return Ok(Self {
                credential: credential(ask, case, credentials)?,
                injected: None,
            });
        };
        let origin = target.origin().to_string();
        let injected = case.injected.or(ask.injected).map(|injected| {
            let pattern = OriginPattern::parse(&origin).ok();
            pattern.filter(|_| injected).into_iter().collect()
        });
        Ok(Self {
            credential: stand_in::network(&target).map_err(|error| error.to_string())?,
            injected,
        })
    }
}

/// What of the network is asked for; `None` where a token is. A case that names something of the one does
/// not mean what `[ask]` says of the other.
fn target(ask: &Ask, case: &Case) -> Result<Option<Target>, String> {
    let of_network = case.connect.is_some() || case.request.is_some() || case.injected.is_some();
    let of_token = [&case.credential, &case.audience, &case.owner]
        .iter()
        .any(|named| named.is_some())
        || [&case.scopes, &case.labels]
            .iter()
            .any(|named| named.is_some())
        || case.source.is_some();
    let (connect, request) = match (&case.connect, &case.request) {
        _ if of_network && of_token => {
            return Err("a case is about a `credential` or about the network".to_owned());
        }
        (None, None) if of_token => (&None, &None),
        (None, None) => (&ask.connect, &ask.request),
        own => own,
    };
    let target = policies::target(connect.as_deref(), request.as_deref());
    match target.map_err(|error| error.to_string())? {
        None if of_network => Err(
            "`injected` is of a host that something would `connect` to or `request` from"
                .to_owned(),
        ),
        target => Ok(target),
    }
}

/// What neither case nor table says of the credential is as configured. Leave to use the network is none.
fn credential(ask: &Ask, case: &Case, credentials: &Credentials) -> Result<Credential, String> {
    let missing = |what| format!("`{what}` is missing, in the case and in `[ask]`");
    let name = case.credential.as_ref().or(ask.credential.as_ref());
    let name = name.ok_or_else(|| missing("credential"))?;
    let configured = credentials
        .find(name)
        .filter(|known| known.source != SourceKind::Network);
    let scopes = case.scopes.as_ref().or(ask.scopes.as_ref());
    let scopes = scopes.ok_or_else(|| missing("scopes"))?;
    let scopes = ScopeSet::parse(scopes.iter().map(String::as_str));
    let audience = case.audience.as_ref().or(ask.audience.as_ref());
    let audience = Audience::parse(audience.ok_or_else(|| missing("audience"))?);
    let labels = case.labels.as_ref().or(ask.labels.as_ref());
    let labels = labels.map(|labels| labels.iter().cloned().collect());
    let owner = match case.owner.as_ref().or(ask.owner.as_ref()) {
        Some(owner) => Some(person(owner)?),
        None => configured.as_ref().and_then(|known| known.owner.clone()),
    };
    Ok(Credential {
        name: CredentialName::parse(name).map_err(|error| wrong("credential", error))?,
        source: case
            .source
            .or(ask.source)
            .or(configured.as_ref().map(|known| known.source))
            .unwrap_or(SourceKind::Signed),
        scopes: scopes.map_err(|error| wrong("scopes", error))?,
        audiences: Audiences {
            first: audience.map_err(|error| wrong("audience", error))?,
            others: Vec::new(),
        },
        max_lifetime: LIFETIME_CEILING,
        algorithm: Algorithm::default(),
        owner,
        labels: labels
            .or_else(|| configured.map(|known| known.labels.clone()))
            .unwrap_or_default(),
        min_tier: Tier::Auto,
        delivery: valetkey_core::Delivery::Token,
    })
}

fn person(text: &str) -> Result<UserId, String> {
    let (issuer, subject) = text
        .split_once('#')
        .ok_or_else(|| wrong("owner", "a person is an issuer, `#` and a subject"))?;
    Ok(UserId {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
    })
}
