//! What is made so that it can be protected, and removed when the room is gone.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    os::{fd::OwnedFd, unix::fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use rustix::{
    event::{Timespec, poll},
    fs::{
        CWD, FlockOperation, Mode, OFlags, ResolveFlags, XattrFlags, flock, fsetxattr, fstat,
        lgetxattr, mkdirat, openat, openat2,
    },
    io::Errno,
};

use crate::{
    error::{Error, os},
    git::HERE,
};

/// How a placeholder is known to a later room, which may be the one to remove it: rooms can share a
/// workspace, and one whose maker was killed removes nothing. On file systems without such attributes an
/// empty folder may stay.
const MARK: &str = "user.valetkey.placeholder";

/// How often a lock is asked for, and how long the rest is between: two seconds in all.
const TRIES: u32 = 100;
const REST: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 20_000_000,
};

/// Removes on drop what it made, or found marked, where it is still as it was made.
#[derive(Debug)]
pub(crate) struct Placeholders {
    /// The workspace, locked for as long as a room protects something in it.
    lock: Option<File>,
    made: Vec<Made>,
}

#[derive(Debug)]
struct Made {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
    content: Option<&'static [u8]>,
}

impl Placeholders {
    pub(crate) const fn none() -> Self {
        Self {
            lock: None,
            made: Vec::new(),
        }
    }

    pub(crate) fn of(workspace: &Path) -> Result<Self, Error> {
        let folder = File::open(workspace).map_err(os("opening the workspace"))?;
        share(&folder, workspace)?;
        Ok(Self {
            lock: Some(folder),
            made: Vec::new(),
        })
    }

    /// An empty folder, which git does not see: an empty file would be committed by `git add --all`. But
    /// where git itself looks for a file, a file.
    pub(crate) fn make(&mut self, path: &Path) -> Result<(), Error> {
        let content = content(path);
        match created(path, content) {
            Ok(made) => {
                let _ = fsetxattr(&made, MARK, b"1", XattrFlags::CREATE);
                self.remember(path, &made, content)
            }
            // Another room made it just now.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => self.adopt(path).map(drop),
            Err(error) => Err(os("making a place to protect")(error)),
        }
    }

    /// Takes over what an earlier room made, if this is one's and nothing was added; whether it is.
    pub(crate) fn adopt(&mut self, path: &Path) -> Result<bool, Error> {
        let content = content(path);
        let is_marked = lgetxattr(path, MARK, &mut [0; 8]).is_ok();
        if is_marked && is_as_made(path, content) {
            let there = opened(path, OFlags::PATH).map_err(os("making a place to protect"))?;
            self.remember(path, &there, content)?;
            return Ok(true);
        }
        Ok(false)
    }

    fn remember(
        &mut self,
        path: &Path,
        made: &OwnedFd,
        content: Option<&'static [u8]>,
    ) -> Result<(), Error> {
        let facts = fstat(made).map_err(os("making a place to protect"))?;
        self.made.push(Made {
            path: path.to_owned(),
            identity: (facts.st_dev, facts.st_ino),
            content,
        });
        Ok(())
    }
}

/// Makes it where the path leads without a symbolic link: whoever writes the workspace meanwhile could have put
/// one in.
fn created(path: &Path, content: Option<&[u8]>) -> io::Result<OwnedFd> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(ErrorKind::InvalidInput.into());
    };
    let parent = opened(parent, OFlags::PATH | OFlags::DIRECTORY)?;
    let Some(content) = content else {
        mkdirat(&parent, name, Mode::from_raw_mode(0o755))?;
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        return Ok(openat(&parent, name, flags, Mode::empty())?);
    };
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let mut file = File::from(openat(&parent, name, flags, Mode::from_raw_mode(0o644))?);
    file.write_all(content)?;
    Ok(file.into())
}

fn opened(path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let flags = flags | OFlags::CLOEXEC;
    Ok(openat2(
        CWD,
        path,
        flags,
        Mode::empty(),
        ResolveFlags::NO_SYMLINKS,
    )?)
}

/// Waits for a launcher that tidies up, and not for an agent that would keep everybody waiting.
fn share(folder: &File, workspace: &Path) -> Result<(), Error> {
    let mut tries = TRIES;
    loop {
        match flock(folder, FlockOperation::NonBlockingLockShared) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK) if tries > 0 => tries -= 1,
            Err(Errno::WOULDBLOCK) => {
                let why = "a program holds a lock on it";
                return Err(Error::place(
                    workspace,
                    why,
                    "end the program; `lslocks` names it",
                ));
            }
            Err(error) => return Err(os("locking the workspace")(error)),
        }
        // A signal ends the rest early, which does no harm.
        let _ = poll(&mut [], Some(&REST));
    }
}

/// What is written to a placeholder; `None` is a folder.
fn content(path: &Path) -> Option<&'static [u8]> {
    match path.file_name().and_then(|name| name.to_str()) {
        Some("config" | "config.worktree") => Some(b""),
        Some("commondir") => Some(HERE),
        _ => None,
    }
}

impl Drop for Placeholders {
    fn drop(&mut self) {
        // The mounts of another room go with the folder that they are on, so it keeps them all.
        let alone = |folder: &File| flock(folder, FlockOperation::NonBlockingLockExclusive).is_ok();
        if !self.lock.as_ref().is_some_and(alone) {
            return;
        }
        while let Some(made) = self.made.pop() {
            made.remove();
        }
    }
}

impl Made {
    fn remove(self) {
        let same = fs::symlink_metadata(&self.path)
            .is_ok_and(|facts| (facts.dev(), facts.ino()) == self.identity);
        if !same {
            return;
        }
        let _ = match self.content {
            // The kernel leaves one that is not empty.
            None => fs::remove_dir(&self.path),
            Some(_) if is_as_made(&self.path, self.content) => fs::remove_file(&self.path),
            Some(_) => Ok(()),
        };
    }
}

fn is_as_made(path: &Path, content: Option<&[u8]>) -> bool {
    match content {
        None => fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none()),
        Some(content) => fs::read(path).is_ok_and(|now| now == content),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::created;

    #[test]
    fn nothing_is_made_behind_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (elsewhere, link) = (folder.path().join("elsewhere"), folder.path().join("link"));
        fs::create_dir(&elsewhere).unwrap();
        symlink(&elsewhere, &link).unwrap();
        for (name, content) in [("hooks", None), ("commondir", Some(&b"."[..]))] {
            assert!(created(&link.join(name), content).is_err());
            assert!(created(&elsewhere.join(name), content).is_ok());
            fs::remove_dir(elsewhere.join(name))
                .or_else(|_| fs::remove_file(elsewhere.join(name)))
                .unwrap();
        }
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    }
}
