//! `[credentials.NAME]`, checked.

use valetkey_core::{
    Audiences, Credential, CredentialName, LIFETIME_CEILING, UserId, text::printable,
};

use crate::config::file;

pub(super) fn credential(
    name: CredentialName,
    file: file::Credential,
    issuer: &str,
) -> Result<Credential, String> {
    let mut audiences = file.audiences.into_iter();
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
        scopes: file.scopes,
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
    })
}
