//! Credentials under requirements.

use std::collections::BTreeMap;

use valetkey_core::{CredentialName, ScopeSet, Tier};

use crate::config::{
    file::Credential,
    requirements::{
        file,
        told::{Shown, Told},
    },
};

/// The entry that is for all credentials.
const ALL: &str = "*";

pub(super) fn credentials(
    mine: &mut BTreeMap<CredentialName, Credential>,
    required: BTreeMap<String, file::Credential>,
    told: &mut Told,
) {
    let mut dropped = Vec::new();
    for (name, credential) in &mut *mine {
        let for_all = required.get(ALL);
        let for_this = required.get(name.as_str());
        for required in for_all.into_iter().chain(for_this) {
            if !narrow(name, credential, required, told) {
                dropped.push(name.clone());
                break;
            }
        }
    }
    for name in dropped {
        mine.remove(&name);
    }
}

/// Narrows one credential; whether anything is left of it.
fn narrow(
    name: &CredentialName,
    mine: &mut Credential,
    required: &file::Credential,
    told: &mut Told,
) -> bool {
    let key = |field: &str| format!("credentials.{name}.{field}");
    told.at_least(&key("min_tier"), &mut mine.min_tier, required.min_tier);
    told.at_most(
        &key("max_lifetime"),
        &mut mine.max_lifetime,
        required.max_lifetime,
    );
    if let Some(owner) = &required.owner {
        let owner = Some(owner.clone());
        told.set(&key("owner"), &mut mine.owner, Some(owner));
    }
    let missing: Vec<&str> = required
        .labels
        .iter()
        .filter(|label| !mine.labels.contains(*label))
        .map(String::as_str)
        .collect();
    if !missing.is_empty() {
        told.tell(&key("labels"), &mine.labels, &missing.join(", "));
        mine.labels.extend(required.labels.iter().cloned());
    }
    let Some(ceiling) = &required.scopes else {
        return true;
    };
    let left = within(&mine.scopes, ceiling);
    // A credential without scopes is another thing than one of which no scope is left.
    if left.is_empty() && !mine.scopes.is_empty() {
        let none = "no scope is left, so the credential is not there";
        told.tell(&key("scopes"), &mine.scopes, &none);
        return false;
    }
    told.set(&key("scopes"), &mut mine.scopes, Some(left));
    true
}

fn within(mine: &ScopeSet, ceiling: &ScopeSet) -> ScopeSet {
    let left: Vec<String> = mine
        .iter()
        .filter(|scope| ceiling.iter().any(|allowed| allowed == *scope))
        .map(str::to_owned)
        .collect();
    // Part of a good set is a good set.
    ScopeSet::try_from(left).unwrap_or_default()
}

impl Shown for Tier {
    fn shown(&self) -> String {
        self.id().to_owned()
    }
}

impl Shown for ScopeSet {
    fn shown(&self) -> String {
        self.to_string()
    }
}
