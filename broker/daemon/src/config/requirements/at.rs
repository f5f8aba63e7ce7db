//! Where the admin's requirements lie.

use std::path::{Path, PathBuf};

/// Where the admin's requirements lie, and to whom they must belong.
#[derive(Clone, Debug)]
pub struct RequirementsAt {
    /// The requirements themselves, where no fleet key is here.
    pub(crate) file: PathBuf,
    /// A minisign public key. Where it is here, requirements come from the bundle alone.
    pub(crate) key: PathBuf,
    /// Signed requirements; the signature is beside them, with `.minisig` at the end of its name.
    pub(crate) bundle: PathBuf,
    /// The user id that `file` and `key` and every folder above them must belong to, beside root.
    pub(crate) owner: u32,
}

impl RequirementsAt {
    /// Where they are on every machine. No argument and no variable of the environment leads elsewhere:
    /// whoever starts the broker is the one whom requirements bind.
    #[must_use]
    pub fn system() -> Self {
        Self {
            file: PathBuf::from("/etc/valetkey/requirements.toml"),
            key: PathBuf::from("/etc/valetkey/fleet.pub"),
            bundle: PathBuf::from("/var/lib/valetkey/requirements.toml"),
            owner: 0,
        }
    }

    /// The same files in one folder that belongs to `owner`: for a broker that is tested.
    #[must_use]
    pub fn below(folder: &Path, owner: u32) -> Self {
        Self {
            file: folder.join("requirements.toml"),
            key: folder.join("fleet.pub"),
            bundle: folder.join("bundle.toml"),
            owner,
        }
    }

    /// Where the bundle's signature is.
    pub(super) fn signature(&self) -> PathBuf {
        let mut name = self.bundle.clone().into_os_string();
        name.push(".minisig");
        name.into()
    }
}
