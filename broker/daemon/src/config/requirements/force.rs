//! The requirements that are in force, and what they changed.

use std::fmt;

use valetkey_core::doctor::{Finding, Health};

use super::super::ConfigError;

/// The requirements that are in force, or on trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequirementsInForce {
    /// Where they came from: a path, and `signed` where a signature vouches for it.
    pub(crate) origin: String,
    /// Whether a signature vouches for them. Only then does `version` count.
    pub(crate) signed: bool,
    /// SHA-256 of the file, in hexadecimal.
    pub(crate) digest: String,
    /// Their version, where they have one.
    pub(crate) version: Option<u64>,
    /// When they end, where they do: seconds since the Unix epoch.
    pub(crate) expires: Option<u64>,
    /// Whether they are enforced or only told.
    pub(crate) enforced: bool,
    /// What the user's configuration says otherwise.
    pub(crate) replaced: Vec<Replaced>,
    /// A line for each entry about what is not here, such as a credential that the user's configuration
    /// does not have: a name that is misspelt there binds nothing.
    pub(crate) idle: Vec<String>,
}

/// One value of the user's configuration that the requirements replaced, or would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replaced {
    /// The key, such as `session.max_lifetime`.
    pub(crate) key: String,
    /// What it was, shown. Never a secret: the configuration holds none.
    pub(crate) yours: String,
    /// What it is now, shown.
    pub(crate) required: String,
}

impl RequirementsInForce {
    /// The highest version that is known once these were accepted: what is to be kept, and given to
    /// `config::load` or [`RequirementsInForce::not_below`] from then on.
    pub(crate) fn floor(&self) -> Option<u64> {
        self.version.filter(|_| self.signed)
    }

    /// When nothing may be issued any more, for the settings of the core.
    pub(crate) fn ends(&self) -> Option<u64> {
        self.expires.filter(|_| self.enforced)
    }

    /// Refuses requirements older than the highest version that was ever accepted.
    ///
    /// # Errors
    /// [`ConfigError::Requirements`] with what to do.
    pub(crate) fn not_below(&self, floor: u64) -> Result<(), ConfigError> {
        match self.floor() {
            Some(version) => valetkey_bundle::not_below(version, floor)
                .map_err(|error| ConfigError::Requirements(format!("{}: {error}", self.origin))),
            None => Ok(()),
        }
    }

    /// A line for the requirements, one for each value that they replaced, and one for each entry that
    /// has nothing to bind: for `--check-config`, `valetkey status` and the log.
    pub(crate) fn lines(&self) -> Vec<String> {
        std::iter::once(self.to_string())
            .chain(self.particulars())
            .collect()
    }

    /// The same, for `valetkey doctor`.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let particulars = self
            .particulars()
            .map(|line| Finding::well("requirements", line));
        std::iter::once(self.finding()).chain(particulars).collect()
    }

    fn particulars(&self) -> impl Iterator<Item = String> {
        let replaced = self.replaced.iter().map(|replaced| self.line(replaced));
        replaced.chain(self.idle.iter().cloned())
    }

    fn finding(&self) -> Finding {
        if self.enforced {
            return Finding::well("requirements", self.to_string());
        }
        Finding::ailing(
            "requirements",
            Health::Care,
            self.to_string(),
            "look for `would_be_refused` in `valetkey audit tail`; to enforce, the admin sets `mode = \"enforce\"`",
        )
    }

    fn line(&self, replaced: &Replaced) -> String {
        let Replaced {
            key,
            yours,
            required,
        } = replaced;
        let verb = if self.enforced {
            "replaced"
        } else {
            "would be replaced"
        };
        format!("`{key}` {verb}: {yours} -> {required}")
    }
}

impl fmt::Display for RequirementsInForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)?;
        if let Some(version) = self.version {
            write!(f, ", version {version}")?;
        }
        if let Some(expires) = self.expires {
            write!(f, ", until {}", valetkey_bundle::shown(expires))?;
        }
        f.write_str(if self.enforced {
            ", enforced"
        } else {
            ", on trial: nothing is enforced"
        })
    }
}
