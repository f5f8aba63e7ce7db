//! How much friction a request meets.

use serde::{Deserialize, Serialize};

/// The tiers, from the least friction to the most.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Granted at once.
    #[default]
    Auto,
    /// An automatic reviewer may decide.
    Review,
    /// A person decides.
    Human,
    /// Not granted.
    Deny,
}

impl Tier {
    /// The tier as it stands in JSON, tables and configuration.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Review => "review",
            Self::Human => "human",
            Self::Deny => "deny",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Tier;

    #[test]
    fn the_order_is_the_order_of_friction() {
        assert!(
            Tier::Auto < Tier::Review && Tier::Review < Tier::Human && Tier::Human < Tier::Deny
        );
    }

    #[test]
    fn ids_are_what_serde_writes() {
        for tier in [Tier::Auto, Tier::Review, Tier::Human, Tier::Deny] {
            assert_eq!(serde_json::to_value(tier).unwrap(), tier.id());
        }
    }
}
