//! Credentials under requirements.

use std::collections::BTreeMap;

use valetkey_core::{Audience, CredentialName, ScopeSet, Tier};

use crate::config::{
    file::Credential,
    requirements::{
        file::{self, Whose},
        told::{Shown, Told},
    },
};

pub(super) fn credentials(
    mine: &mut BTreeMap<CredentialName, Credential>,
    required: BTreeMap<Whose, file::Credential>,
    told: &mut Told,
) {
    for whose in required.keys() {
        if let Whose::One(name) = whose
            && !mine.contains_key(name)
        {
            told.idle.push(format!(
                "`credentials.{name}` binds nothing here: no credential of that name"
            ));
        }
    }
    let mut dropped = Vec::new();
    for (name, credential) in &mut *mine {
        let for_all = required.get(&Whose::All);
        let for_this = required.get(&Whose::One(name.clone()));
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
    if let Some(ceiling) = &required.scopes {
        let left = within(&mine.scopes, ceiling);
        // A credential without scopes is another thing than one of which no scope is left.
        if left.is_empty() && !mine.scopes.is_empty() {
            let none = "no scope is left, so the credential is not there";
            told.tell(&key("scopes"), &mine.scopes, &none);
            return false;
        }
        told.set(&key("scopes"), &mut mine.scopes, Some(left));
    }
    if let Some(ceiling) = &required.audiences {
        for way in &mut mine.inject {
            let before = way.hosts.len();
            way.hosts.retain(|host| {
                let origin = host
                    .origin()
                    .and_then(|origin| Audience::parse(&origin.to_string()).ok());
                origin.is_some_and(|origin| ceiling.contains(&origin))
            });
            if way.hosts.len() < before {
                told.tell(
                    &key("inject.hosts"),
                    &"more hosts",
                    &"only audiences that are required",
                );
            }
        }
        let were_ways = !mine.inject.is_empty();
        mine.inject.retain(|way| !way.hosts.is_empty());
        if were_ways && mine.inject.is_empty() {
            let none = "no host is left, so the credential is not there";
            told.tell(&key("inject"), &"some hosts", &none);
            return false;
        }
        let mut left = mine.audiences.clone();
        left.retain(|audience| ceiling.contains(audience));
        if left.is_empty() && !mine.audiences.is_empty() {
            let none = "no audience is left, so the credential is not there";
            told.tell(&key("audiences"), &mine.audiences, &none);
            return false;
        }
        told.set(&key("audiences"), &mut mine.audiences, Some(left));
    }
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

impl Shown for Vec<Audience> {
    fn shown(&self) -> String {
        let all: Vec<&str> = self.iter().map(Audience::as_str).collect();
        all.join(" ")
    }
}
