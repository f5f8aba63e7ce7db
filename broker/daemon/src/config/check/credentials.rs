//! `[credentials.NAME]`, checked.

use std::collections::{BTreeMap, BTreeSet};

use valetkey_core::{
    Algorithm, Audience, Audiences, Credential, CredentialName, Credentials, Delivery, Inject,
    LIFETIME_CEILING, LIFETIME_DEFAULT, ScopeSet, SecretName, SourceKind, Tier, UserId,
    text::printable,
};

use super::ways::ways;
use crate::config::file;

pub(super) fn credential(
    name: CredentialName,
    file: file::Credential,
    issuer: &str,
) -> Result<Credential, String> {
    if name.as_str() == Credential::NETWORK {
        return Err("`credentials.network` is what leave to use the network is asked for as; choose another name".to_owned());
    }
    let delivery = delivery(&name, &file)?;
    let (scopes, audiences) = match &delivery {
        Delivery::Inject(inject) => injected(&name, inject, &file)?,
        Delivery::Token | Delivery::Pass => (file.scopes, file.audiences),
    };
    if scopes.is_empty() {
        return Err(format!("`credentials.{name}.scopes` names no scope"));
    }
    let mut audiences = audiences.into_iter();
    let first = audiences
        .next()
        .ok_or_else(|| format!("`credentials.{name}.audiences` names no audience"))?;
    if file.max_lifetime.0 > LIFETIME_CEILING {
        return Err(format!(
            "`credentials.{name}.max_lifetime` is longer than 1h, the longest that any token lives"
        ));
    }
    // Policies compare labels, so they are as narrow as names.
    if let Some(bad) = file
        .labels
        .iter()
        .find(|label| CredentialName::parse(label).is_err())
    {
        return Err(format!(
            "`credentials.{name}.labels` holds `{}`; a label has 1 to 64 of the characters a-z, A-Z, 0-9, `.`, `_` and `-`, and begins with a letter or a digit",
            printable(bad, 64)
        ));
    }
    if file.owner.as_ref().is_some_and(String::is_empty) {
        return Err(format!(
            "`credentials.{name}.owner` is empty; it is the `sub` of a user at the provider"
        ));
    }
    Ok(Credential {
        name,
        source: file.source,
        scopes,
        audiences: Audiences {
            first,
            others: audiences.collect(),
        },
        max_lifetime: file.max_lifetime.0,
        algorithm: file.algorithm,
        owner: file.owner.map(|subject| UserId {
            issuer: issuer.to_owned(),
            subject,
        }),
        labels: file.labels,
        min_tier: file.min_tier,
        delivery,
    })
}

/// What a person wrote says of each way a scope that the credential has: another one could never be
/// asked for. Requirements may take scopes away afterwards, and then those requests are refused.
pub(in crate::config) fn scopes_of_ways(
    all: &BTreeMap<CredentialName, file::Credential>,
) -> Result<(), String> {
    for (name, credential) in all {
        let scopes = &credential.scopes;
        for (number, way) in credential.inject.iter().enumerate() {
            if let Some(scope) = &way.scope
                && !scopes.is_empty()
                && !scopes.iter().any(|one| one == scope)
            {
                return Err(format!(
                    "`credentials.{name}.inject[{number}].scope` is `{}`, and `credentials.{name}.scopes` has `{scopes}`; add it there, or leave `scopes` out",
                    printable(scope, 64)
                ));
            }
        }
    }
    Ok(())
}

/// A variable holds one placeholder, or one address.
pub(super) fn no_variable_twice(credentials: &Credentials) -> Result<(), String> {
    let mut holders = BTreeMap::<&str, &CredentialName>::new();
    for credential in credentials.iter() {
        let Delivery::Inject(inject) = &credential.delivery else {
            continue;
        };
        let name = &credential.name;
        for variable in [&inject.variable, &inject.base_url].into_iter().flatten() {
            if let Some(other) = holders.insert(variable, name) {
                return Err(format!(
                    "`credentials.{other}` and `credentials.{name}` both name the variable `{variable}`, which can hold what stands for one of them"
                ));
            }
        }
    }
    Ok(())
}

/// What leave to use the network is asked for as: a pass of ten minutes, for any host that the policies
/// permit.
pub(super) fn network() -> Result<Credential, String> {
    let name = CredentialName::parse(Credential::NETWORK).map_err(|bad| bad.to_string())?;
    let first = Audience::parse("https://*").map_err(|bad| bad.to_string())?;
    Ok(Credential {
        name,
        source: SourceKind::Network,
        scopes: ScopeSet::default(),
        audiences: Audiences {
            first,
            others: Vec::new(),
        },
        max_lifetime: LIFETIME_DEFAULT,
        algorithm: Algorithm::default(),
        owner: None,
        labels: BTreeSet::new(),
        min_tier: Tier::Auto,
        delivery: Delivery::Pass,
    })
}

fn delivery(name: &CredentialName, file: &file::Credential) -> Result<Delivery, String> {
    if file.inject.is_empty() {
        if file.source == SourceKind::Static {
            return Err(format!(
                "`credentials.{name}` is static and never given to an agent; say with `[[credentials.{name}.inject]]` into which requests it is put"
            ));
        }
        if file.variable.is_some() || file.base_url_variable.is_some() {
            return Err(format!(
                "`credentials.{name}.variable` is for credentials that are injected"
            ));
        }
        return Ok(Delivery::Token);
    }
    let secret = match &file.secret {
        Some(secret) => secret.clone(),
        None => SecretName::parse(name.as_str())
            .map_err(|bad| format!("`credentials.{name}.secret`: {bad}"))?,
    };
    for variable in [&file.variable, &file.base_url_variable]
        .into_iter()
        .flatten()
    {
        if !is_variable(variable) {
            return Err(format!(
                "`credentials.{name}` names the variable `{}`; one has letters, digits and `_`, and is none that says where programs, libraries or proxies are",
                printable(variable, 64)
            ));
        }
    }
    let prefix = &file.placeholder_prefix;
    if prefix.len() > 32
        || !prefix
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    {
        return Err(format!(
            "`credentials.{name}.placeholder_prefix` has at most 32 letters, digits, `-` and `_`"
        ));
    }
    Ok(Delivery::Inject(Inject {
        ways: ways(name, file.inject.clone())?,
        secret,
        variable: file.variable.clone(),
        prefix: prefix.clone(),
        base_url: file.base_url_variable.clone(),
    }))
}

/// What uses of an injected credential can be asked for as: the hosts that it goes to, and the scopes of
/// its ways, narrowed to those that are named.
fn injected(
    name: &CredentialName,
    inject: &Inject,
    file: &file::Credential,
) -> Result<(ScopeSet, Vec<Audience>), String> {
    if !file.audiences.is_empty() && file.source == SourceKind::Static {
        return Err(format!(
            "`credentials.{name}.audiences` is for tokens; where a static credential goes is said by the hosts of its `inject`"
        ));
    }
    let all = ScopeSet::parse(inject.scopes()).map_err(|bad| bad.to_string())?;
    let scopes = if file.scopes.is_empty() {
        all
    } else {
        file.scopes.clone()
    };
    let hosts = inject.ways.iter().flat_map(|way| &way.hosts);
    let named = hosts.filter_map(|host| match host.origin() {
        Some(origin) => Audience::parse(&origin.to_string()).ok(),
        None => Audience::parse(&host.to_string()).ok(),
    });
    let mut audiences = file.audiences.clone();
    audiences.extend(named);
    Ok((scopes, audiences))
}

/// Not one that would make programs in the sandbox load other code or speak to somebody else.
fn is_variable(name: &str) -> bool {
    let fine = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let taken = [
        "PATH",
        "HOME",
        "TMPDIR",
        "LD_",
        "VALETKEY_",
        "BASH_",
        "PYTHON",
        "NODE_OPTIONS",
        "JAVA_TOOL",
        "GIT_",
        "SSL_",
    ];
    let upper = name.to_ascii_uppercase();
    fine && name.bytes().next().is_some_and(|b| !b.is_ascii_digit())
        && !taken.iter().any(|taken| upper.starts_with(taken))
        && !upper.ends_with("_PROXY")
}
