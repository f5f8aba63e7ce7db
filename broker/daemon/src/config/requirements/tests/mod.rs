//! Requirements against users who would like looser ones.

mod attacks;
mod bundle;
mod fields;
mod places;
mod trial;

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::RequirementsAt;
use crate::config::{Config, load};

/// 2027-01-15T08:00:00Z.
const NOW: u64 = 1_800_000_000;
/// As little as a user may write.
const MINE: &str = "[provider]\nissuer = \"https://id.example.test\"\nclient_id = \"mine\"\n";

/// A machine: the user's configuration and the admin's folders.
struct Machine {
    folder: TempDir,
    at: RequirementsAt,
}

impl Machine {
    fn new(mine: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let owner = fs::metadata(folder.path()).unwrap().uid();
        for below in ["etc", "var"] {
            fs::create_dir(folder.path().join(below)).unwrap();
            set_mode(&folder.path().join(below), 0o755);
        }
        let machine = Self {
            at: RequirementsAt {
                file: folder.path().join("etc/requirements.toml"),
                key: folder.path().join("etc/fleet.pub"),
                bundle: folder.path().join("var/requirements.toml"),
                owner,
            },
            folder,
        };
        write(&machine.config(), mine);
        machine
    }

    /// With requirements of root's own.
    fn required(mine: &str, requirements: &str) -> Self {
        let machine = Self::new(mine);
        write(&machine.at.file, requirements);
        machine
    }

    fn config(&self) -> PathBuf {
        self.path("config.toml")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn load(&self) -> Result<Config, String> {
        self.load_above(None)
    }

    fn load_above(&self, floor: Option<u64>) -> Result<Config, String> {
        load::load(&self.config(), &self.at, floor, NOW).map_err(|error| error.to_string())
    }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    set_mode(path, 0o644);
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The keys that were replaced.
fn replaced(config: &Config) -> Vec<&str> {
    let force = config.requirements.as_ref().unwrap();
    force.replaced.iter().map(|one| one.key.as_str()).collect()
}
