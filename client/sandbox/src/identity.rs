//! Which file it is, so that what a room shows is what was looked at: an agent in another room may write to the
//! same workspace and put something else in its place meanwhile.

use std::{fs, io, os::unix::fs::MetadataExt as _, path::Path};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, fstat, openat2};
use serde::{Deserialize, Serialize};

use crate::{channel::Spelled, error::shown};

/// One file or folder, for as long as it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// What is at this path, in which nothing is a symbolic link.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let file = openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS)?;
        let facts = fstat(file)?;
        Ok(Self {
            device: facts.st_dev,
            inode: facts.st_ino,
        })
    }
}

/// What was looked at, by where the room has it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Seen(Vec<(Spelled, Identity)>);

impl Seen {
    /// Remembers what is to be shown there.
    pub(crate) fn add(&mut self, inside: &Path, identity: Identity) {
        self.0.push((inside.to_owned().into(), identity));
    }

    /// To be called inside: whether each of them is there.
    pub(crate) fn is_shown(&self) -> Result<(), String> {
        let other = self.0.iter().find(|(path, identity)| {
            !fs::symlink_metadata(path)
                .is_ok_and(|facts| (facts.dev(), facts.ino()) == (identity.device, identity.inode))
        });
        match other {
            None => Ok(()),
            Some((path, _)) => Err(format!(
                "`{}` was replaced while the sandbox was made",
                shown(path.as_ref())
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::{Identity, Seen};

    #[test]
    fn no_link_is_followed_on_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        fs::create_dir_all(real.join("a/b")).unwrap();
        symlink(real.join("a"), real.join("link")).unwrap();
        assert!(Identity::of(&real.join("a/b")).is_ok());
        assert!(Identity::of(&real.join("link/b")).is_err());
        assert!(Identity::of(&real.join("link")).is_err());
    }

    #[test]
    fn what_was_replaced_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("a");
        fs::create_dir(&path).unwrap();
        let mut seen = Seen::default();
        seen.add(&path, Identity::of(&path).unwrap());
        assert_eq!(seen.is_shown(), Ok(()));
        fs::rename(&path, path.with_extension("old")).unwrap();
        assert!(seen.is_shown().is_err());
        fs::create_dir(&path).unwrap();
        assert!(seen.is_shown().is_err());
    }
}
