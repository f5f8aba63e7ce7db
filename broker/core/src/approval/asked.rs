//! What a person is shown: all of it is granted if they say yes, and nothing else.

use std::fmt;

use ring::digest;
use serde::{Deserialize, Serialize};

use crate::{AgentName, ApprovalId, CredentialName, Grant, SessionId, Tier, UserId};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Whose authority is asked for.
    pub user: UserId,
    /// A name of theirs to show.
    pub display: String,
    /// What kind of agent asks.
    pub agent: AgentName,
    /// The folder it works in, cleaned for a terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The credential.
    pub credential: CredentialName,
    /// The ceilings of what is granted.
    pub grant: Grant,
    /// Why, in the agent's own words, cleaned. They decide nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The friction that the policies ask for: [`Tier::Review`] or [`Tier::Human`].
    pub tier: Tier,
    /// The policies that ask for it.
    pub policies: Vec<String>,
}

/// SHA-256 of a question, in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest(String);

impl Asked {
    /// Whether what was shown includes this: the same credential and audience, the same or fewer scopes,
    /// the same or a shorter life, and no more friction.
    pub fn covers(&self, credential: &CredentialName, grant: &Grant, tier: Tier) -> bool {
        self.credential == *credential
            && grant.within(&self.grant)
            && tier <= self.tier
            && tier != Tier::Deny
    }

    /// Over everything that is shown of the request, the question's id and its session: JSON (RFC 8259)
    /// with its fields in the order of this struct.
    pub fn digest(&self, id: ApprovalId, session: SessionId) -> Digest {
        // Only a map with keys that are not strings cannot be serialized, and there is none.
        let bytes = serde_json::to_vec(&(id, session, self)).unwrap_or_default();
        let digest = digest::digest(&digest::SHA256, &bytes);
        Digest(digest.as_ref().iter().map(|b| format!("{b:02x}")).collect())
    }
}

impl Digest {
    /// The 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Asked;
    use crate::{Audience, CredentialName, Grant, ScopeSet, Tier, session::tests::session};

    /// Not even where a question was put that no policy permits.
    #[test]
    fn what_is_denied_is_covered_by_nothing() {
        let session = session();
        for (shown, met, covered) in [
            (Tier::Human, Tier::Human, true),
            (Tier::Human, Tier::Auto, true),
            (Tier::Human, Tier::Deny, false),
            (Tier::Deny, Tier::Deny, false),
            (Tier::Review, Tier::Human, false),
        ] {
            let asked = Asked {
                user: session.user.id.clone(),
                display: session.user.display.clone(),
                agent: session.agent.clone(),
                workspace: None,
                credential: CredentialName::parse("orders").unwrap(),
                grant: Grant {
                    scopes: ScopeSet::parse(["read"]).unwrap(),
                    audience: Audience::parse("urn:orders").unwrap(),
                    lifetime: 60,
                },
                reason: None,
                tier: shown,
                policies: Vec::new(),
            };
            let covers = asked.covers(&asked.credential, &asked.grant, met);
            assert_eq!(covers, covered, "{shown:?} {met:?}");
        }
    }
}
