//! The schema's names, parsed once.

use cedar_policy::{EntityId, EntityTypeName, EntityUid};
use valetkey_core::{Tier, UserId, ports::PolicyError};

use crate::facts::failed;

/// The schema's names.
#[derive(Clone)]
pub(crate) struct Words {
    pub(crate) session: EntityTypeName,
    pub(crate) user: EntityTypeName,
    pub(crate) group: EntityTypeName,
    pub(crate) agent: EntityTypeName,
    pub(crate) reviewer: EntityTypeName,
    pub(crate) credential: EntityTypeName,
    pub(crate) host: EntityTypeName,
    pub(crate) approve: EntityUid,
    token: Family,
    connect: Family,
    request: Family,
}

/// What somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A token.
    Token,
    /// To reach a host.
    Connect,
    /// To send a host a request.
    Request,
    /// Something that no action gives.
    Nothing,
}

/// The actions that give the same, from the least friction to the most.
#[derive(Clone)]
struct Family {
    /// The action that they are in, where they are in one.
    group: Option<EntityUid>,
    tiers: [(Tier, EntityUid); 3],
}

/// The tiers at which something is given, and what the names of their actions end with.
const TIERS: [(Tier, &str); 3] = [
    (Tier::Auto, ""),
    (Tier::Review, "AfterReview"),
    (Tier::Human, "AfterApproval"),
];

impl Words {
    pub(crate) fn new() -> Result<Self, PolicyError> {
        let name = |name: &str| format!("Valetkey::{name}").parse().map_err(failed);
        let action: EntityTypeName = name("Action")?;
        let family = |verb: &str, group: Option<&str>| Family {
            group: group.map(|group| uid(&action, group)),
            tiers: TIERS.map(|(tier, end)| (tier, uid(&action, &format!("{verb}{end}")))),
        };
        Ok(Self {
            session: name("Session")?,
            user: name("User")?,
            group: name("Group")?,
            agent: name("Agent")?,
            reviewer: name("Reviewer")?,
            credential: name("Credential")?,
            host: name("Host")?,
            approve: uid(&action, "approve"),
            token: family("grant", None),
            connect: family("connect", Some("reach")),
            request: family("request", Some("send")),
        })
    }

    /// The actions that give what is asked for, from the least friction to the most.
    pub(crate) fn tiers(&self, asked: Asked) -> &[(Tier, EntityUid)] {
        self.family(asked).map_or(&[], |family| &family.tiers)
    }

    /// The action that those are in, where they are in one.
    pub(crate) fn group_of(&self, asked: Asked) -> Option<&EntityUid> {
        self.family(asked)?.group.as_ref()
    }

    /// Every action that somebody can ask for or answer by; those that are only groups of others are not.
    pub(crate) fn actions(&self) -> impl Iterator<Item = &EntityUid> {
        let tiers = self.families().into_iter().flat_map(|family| &family.tiers);
        tiers
            .map(|(_, action)| action)
            .chain(std::iter::once(&self.approve))
    }

    /// The actions that are `action` or in it.
    pub(crate) fn within(&self, action: &EntityUid) -> impl Iterator<Item = &EntityUid> {
        let group = self
            .families()
            .into_iter()
            .find(|family| family.group.as_ref() == Some(action));
        let members = group.into_iter().flat_map(|family| &family.tiers);
        let itself = self.actions().filter(move |known| *known == action);
        members.map(|(_, member)| member).chain(itself)
    }

    /// What an action is done to.
    pub(crate) fn resource_of(&self, action: &EntityUid) -> &EntityTypeName {
        let network = [&self.connect, &self.request].into_iter();
        let mut network = network.flat_map(|family| &family.tiers);
        if network.any(|(_, known)| known == action) {
            &self.host
        } else {
            &self.credential
        }
    }

    /// A person, as issuer, `#`, subject.
    pub(crate) fn person(&self, id: &UserId) -> Result<EntityUid, PolicyError> {
        // The two parts must be told apart again, or one provider could name another's user.
        if id.issuer.contains('#') {
            return Err(PolicyError::Engine("an issuer holds a `#`".to_owned()));
        }
        Ok(uid(&self.user, &format!("{}#{}", id.issuer, id.subject)))
    }

    const fn family(&self, asked: Asked) -> Option<&Family> {
        match asked {
            Asked::Token => Some(&self.token),
            Asked::Connect => Some(&self.connect),
            Asked::Request => Some(&self.request),
            Asked::Nothing => None,
        }
    }

    const fn families(&self) -> [&Family; 3] {
        [&self.token, &self.connect, &self.request]
    }
}

pub(crate) fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}
