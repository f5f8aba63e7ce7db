//! A folder of policy files.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use tempfile::TempDir;
use valetkey_core::ports::PolicyError;
use valetkey_policy::CedarPolicies;

/// A folder that only its owner may write.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// With these files in it.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().expect("a temporary folder"));
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    /// Writes one file, as a text that only its owner may write.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a mode");
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Loads it.
    pub(crate) fn load(&self) -> Result<CedarPolicies, PolicyError> {
        CedarPolicies::load(&[self.path().to_owned()])
    }
}
