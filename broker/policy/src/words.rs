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
    pub(crate) tiers: [(Tier, EntityUid); 3],
    pub(crate) approve: EntityUid,
}

/// The tiers at which something is given, from the least friction to the most, and their actions.
pub(crate) const GRANTS: [(Tier, &str); 3] = [
    (Tier::Auto, "grant"),
    (Tier::Review, "grantAfterReview"),
    (Tier::Human, "grantAfterApproval"),
];

impl Words {
    pub(crate) fn new() -> Result<Self, PolicyError> {
        let name = |name: &str| format!("Valetkey::{name}").parse().map_err(failed);
        let action: EntityTypeName = name("Action")?;
        Ok(Self {
            session: name("Session")?,
            user: name("User")?,
            group: name("Group")?,
            agent: name("Agent")?,
            reviewer: name("Reviewer")?,
            credential: name("Credential")?,
            tiers: GRANTS.map(|(tier, id)| (tier, uid(&action, id))),
            approve: uid(&action, "approve"),
        })
    }

    /// Every action, those of the tiers first.
    pub(crate) fn actions(&self) -> impl Iterator<Item = &EntityUid> {
        let grants = self.tiers.iter().map(|(_, action)| action);
        grants.chain(std::iter::once(&self.approve))
    }

    /// A person, as issuer, `#`, subject.
    pub(crate) fn person(&self, id: &UserId) -> Result<EntityUid, PolicyError> {
        // The two parts must be told apart again, or one provider could name another's user.
        if id.issuer.contains('#') {
            return Err(PolicyError::Engine("an issuer holds a `#`".to_owned()));
        }
        Ok(uid(&self.user, &format!("{}#{}", id.issuer, id.subject)))
    }
}

pub(crate) fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}
