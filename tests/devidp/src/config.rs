//! Who may log in, through which clients, and how long what they get is good for.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

/// What a provider is started with. `Default` is the cast of the demo: alice and bob, who develop,
/// and boss, who administers.
#[derive(Clone, Debug)]
pub struct Config {
    /// The loopback port; 0 takes a free one.
    pub port: u16,
    /// Everybody who can log in.
    pub users: Vec<User>,
    /// Client ids. All are public clients with the redirect `http://127.0.0.1/callback` (or `[::1]`),
    /// any port (RFC 8252 section 7.3).
    pub clients: Vec<String>,
    /// How ID tokens are signed.
    pub alg: Alg,
    /// From `iat` to `exp` of an ID token. Whole seconds.
    pub id_token_lifetime: Duration,
    /// Of an access token. Whole seconds.
    pub access_token_lifetime: Duration,
    /// Least time between two polls of the device flow; a client that is faster is told `slow_down`.
    pub device_interval: Duration,
    /// Claims put into everybody's ID token as they are, such as a tenant or a hosted domain.
    pub claims: BTreeMap<String, String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            port: 0,
            users: vec![
                User::new("alice", &["dev", "deploy"]),
                User::new("bob", &["dev"]),
                User::new("boss", &["valetkey-admins"]),
            ],
            clients: vec!["valetkey".to_owned()],
            alg: Alg::Es256,
            id_token_lifetime: Duration::from_secs(300),
            access_token_lifetime: Duration::from_secs(300),
            device_interval: Duration::from_secs(1),
            claims: BTreeMap::new(),
        }
    }
}

/// A person, by name, and the groups that the `groups` claim will list.
///
/// `sub` is the name: a test reads better for it, and nothing here is worth a pairwise subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Login name and `sub`.
    pub name: String,
    /// In the order given.
    pub groups: Vec<String>,
}

impl User {
    /// A user in these groups.
    #[must_use]
    pub fn new(name: &str, groups: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
        }
    }
}

/// `alice:dev,deploy`, or `alice` for somebody in no group.
impl FromStr for User {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, groups) = text.split_once(':').unwrap_or((text, ""));
        if name.is_empty() {
            return Err("a user is `name` or `name:group,group`".to_owned());
        }
        let groups: Vec<_> = groups
            .split(',')
            .filter(|group| !group.is_empty())
            .collect();
        Ok(Self::new(name, &groups))
    }
}

/// The algorithms that ring both signs with and makes keys for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Alg {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    #[value(name = "eddsa")]
    EdDsa,
}

impl Alg {
    /// The name in a JOSE header.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_a_name_and_groups() {
        assert_eq!(
            "alice:dev,deploy".parse(),
            Ok(User::new("alice", &["dev", "deploy"]))
        );
        assert_eq!("carol".parse(), Ok(User::new("carol", &[])));
        assert!(":dev".parse::<User>().is_err());
    }
}
