//! The entities of a question.

use std::collections::{HashMap, HashSet};

use cedar_policy::{Entities, Entity, EntityUid, RestrictedExpression};
use valetkey_core::{Credential, SourceKind, User, UserId, network::Origin, ports::PolicyError};

use super::{Named, failed, string};
use crate::words::{Asked, Words, uid};

/// Entities, each once.
pub(super) struct Known<'a> {
    pub(super) words: &'a Words,
    all: Vec<Entity>,
}

impl<'a> Known<'a> {
    pub(super) fn new(words: &'a Words) -> Self {
        Self {
            words,
            all: Vec::with_capacity(4),
        }
    }

    pub(super) fn add<const N: usize>(
        &mut self,
        uid: &EntityUid,
        attributes: [(&str, RestrictedExpression); N],
        parents: HashSet<EntityUid>,
    ) -> Result<(), PolicyError> {
        let attributes: HashMap<_, _> = attributes
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let entity = Entity::new(uid.clone(), attributes, parents).map_err(failed)?;
        self.all.push(entity);
        Ok(())
    }

    /// Somebody whose groups are known.
    pub(super) fn person(
        &mut self,
        named: &Named,
        user: &User,
    ) -> Result<(EntityUid, HashSet<EntityUid>), PolicyError> {
        let groups: HashSet<_> = user
            .groups
            .iter()
            .filter(|group| named.groups.contains(group.as_str()))
            .map(|group| uid(&self.words.group, group))
            .collect();
        let person = self.words.person(&user.id)?;
        self.add(&person, names(&user.id), groups.clone())?;
        Ok((person, groups))
    }

    /// Somebody who is spoken of, unless they are known already.
    pub(super) fn stranger(&mut self, id: &UserId) -> Result<EntityUid, PolicyError> {
        let person = self.words.person(id)?;
        if !self.all.iter().any(|known| known.uid() == person) {
            self.add(&person, names(id), HashSet::new())?;
        }
        Ok(person)
    }

    pub(super) fn credential(&mut self, credential: &Credential) -> Result<EntityUid, PolicyError> {
        let name = uid(&self.words.credential, credential.name.as_str());
        let source = ("source", string(source(credential.source)));
        let labels = credential.labels.iter().map(|label| string(label));
        let labels = ("labels", RestrictedExpression::new_set(labels));
        match &credential.owner {
            Some(owner) => {
                let owner = RestrictedExpression::new_entity_uid(self.stranger(owner)?);
                self.add(&name, [source, labels, ("owner", owner)], HashSet::new())?;
            }
            None => self.add(&name, [source, labels], HashSet::new())?,
        }
        Ok(name)
    }

    /// A host with those of its domains that are named, which come back with it.
    pub(super) fn host(
        &mut self,
        named: &Named,
        origin: &Origin,
        injected: bool,
    ) -> Result<(EntityUid, Vec<EntityUid>), PolicyError> {
        let name = &origin.endpoint.host;
        let domains = name
            .domains()
            .filter(|domain| named.hosts.contains(*domain));
        let domains: Vec<_> = domains
            .map(|domain| uid(&self.words.host, domain))
            .collect();
        let host = uid(&self.words.host, name.as_str());
        self.add(
            &host,
            [
                ("name", string(name.as_str())),
                (
                    "port",
                    RestrictedExpression::new_long(origin.endpoint.port.into()),
                ),
                ("scheme", string(origin.scheme.id())),
                ("injected", RestrictedExpression::new_bool(injected)),
            ],
            domains.iter().cloned().collect(),
        )?;
        Ok((host, domains))
    }

    /// The actions that give what is asked for, in the one that they are in.
    pub(super) fn actions(&mut self, asked: Asked) -> Result<(), PolicyError> {
        let words = self.words;
        let Some(group) = words.group_of(asked) else {
            return Ok(());
        };
        for (_, action) in words.tiers(asked) {
            self.add(action, [], HashSet::from([group.clone()]))?;
        }
        Ok(())
    }

    pub(super) fn entities(self) -> Result<Entities, PolicyError> {
        Entities::from_entities(self.all, None).map_err(failed)
    }
}

fn names(id: &UserId) -> [(&'static str, RestrictedExpression); 2] {
    [
        ("issuer", string(&id.issuer)),
        ("subject", string(&id.subject)),
    ]
}

/// As the configuration spells it.
const fn source(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Signed => "signed",
        SourceKind::Static => "static",
        SourceKind::Network => "network",
    }
}
