//! What is made so that it can be protected, and removed when the room is gone.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::File,
    io::{self, ErrorKind, Write as _},
    os::{fd::OwnedFd, unix::fs::FileExt as _},
    path::{Path, PathBuf},
};

use rustix::{
    event::{Timespec, poll},
    fs::{
        AtFlags, CWD, Dir, FlockOperation, Mode, OFlags, ResolveFlags, Stat, XattrFlags, fgetxattr,
        flock, fsetxattr, fstat, mkdirat, openat, openat2, statat, unlinkat,
    },
    io::Errno,
};

use crate::{error::Error, git::HERE};

/// How a placeholder is known to a later room, which may be the one to remove it: rooms can protect the same
/// places, and one whose maker was killed removes nothing. On file systems without such attributes an
/// empty folder may stay.
const MARK: &str = "user.valetkey.placeholder";

/// How often locks are asked for again, and how long the rest is between: two seconds in all.
const TRIES: u32 = 100;
const REST: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 20_000_000,
};
/// How often something may be gone again before it could be locked.
const RACES: u32 = 10;

/// Removes on drop what it made, or found marked, where it is still as it was made and no other room has it.
#[derive(Debug, Default)]
pub(crate) struct Placeholders {
    held: BTreeMap<PathBuf, Held>,
    waits: Waits,
}

/// How often a lock was waited for: an agent can lock as much as it likes.
#[derive(Debug, Default)]
struct Waits(u32);

/// Something with nothing in it. It is locked for as long as a room has it: the kernel drops a mount with what it is
/// on, whoever removes that.
#[derive(Debug)]
struct Held {
    file: File,
    is_marked: bool,
}

/// What there is to protect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum There {
    /// It was made for a room.
    Placeholder,
    /// It is the user's.
    Theirs,
    /// Another room had made it, and took it away just now.
    Gone,
}

impl Placeholders {
    /// An empty folder, which git does not see: an empty file would be committed by `git add --all`. But
    /// where git itself looks for a file (`is_read`, too), a file.
    pub(crate) fn make(&mut self, path: &Path, is_read: bool) -> Result<(), Error> {
        let content = content(path).or(is_read.then_some(&b""[..]));
        for _ in 0..RACES {
            match created(path, content) {
                Ok(file) => {
                    self.waits.share(&file, path)?;
                    let _ = fsetxattr(&file, MARK, b"1", XattrFlags::CREATE);
                    let is_marked = true;
                    self.held.insert(path.to_owned(), Held { file, is_marked });
                    return Ok(());
                }
                // Another room made it just now.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    if self.adopt(path)? != There::Gone {
                        return Ok(());
                    }
                }
                Err(error) => return Err(unmade(path, &error)),
            }
        }
        Err(unmade(path, &"it is made and removed all the time"))
    }

    /// How many there are. Each has a descriptor.
    pub(crate) fn count(&self) -> usize {
        self.held.len()
    }

    /// Takes over what another room made, if this is one's and nothing was added.
    pub(crate) fn adopt(&mut self, path: &Path) -> Result<There, Error> {
        if let Some(held) = self.held.get(path) {
            return Ok(held.there());
        }
        let file = match opened(path, OFlags::RDONLY | OFlags::NONBLOCK) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(There::Gone),
            // Not by this user's leave, or none of what is made for a room.
            Err(Errno::ACCESS | Errno::LOOP | Errno::NXIO | Errno::PERM | Errno::WOULDBLOCK) => {
                return Ok(There::Theirs);
            }
            Err(error) => {
                return Err(Error::protected(
                    path,
                    format!("it cannot be opened: {}", io::Error::from(error)),
                    "look at what is there; if it changed just now, try again",
                ));
            }
        };
        if !is_empty(&file, path) {
            return Ok(There::Theirs);
        }
        self.waits.share(&file, path)?;
        if !is_at(&file, path) {
            return Ok(There::Gone);
        }
        let is_marked = fgetxattr(&file, MARK, &mut [0; 8]).is_ok();
        let held = Held { file, is_marked };
        let there = held.there();
        self.held.insert(path.to_owned(), held);
        Ok(there)
    }
}

impl Waits {
    /// Waits for a launcher that tidies up, and not for an agent that would keep everybody waiting.
    fn share(&mut self, file: &File, path: &Path) -> Result<(), Error> {
        loop {
            match flock(file, FlockOperation::NonBlockingLockShared) {
                Ok(()) => return Ok(()),
                Err(Errno::WOULDBLOCK) if self.0 < TRIES => self.0 += 1,
                Err(Errno::WOULDBLOCK) => {
                    return Err(Error::protected(
                        path,
                        "a program holds a lock on it, as `lslocks` tells",
                        "end the program that `lslocks` names",
                    ));
                }
                Err(error) => {
                    return Err(Error::protected(
                        path,
                        format!("it cannot be locked: {}", io::Error::from(error)),
                        "have the workspace on a file system with locks",
                    ));
                }
            }
            // A signal ends the rest early, which does no harm.
            let _ = poll(&mut [], Some(&REST));
        }
    }
}

impl Held {
    const fn there(&self) -> There {
        if self.is_marked {
            There::Placeholder
        } else {
            There::Theirs
        }
    }

    fn remove(&self, path: &Path) {
        // Nobody takes it over meanwhile.
        let is_alone = flock(&self.file, FlockOperation::NonBlockingLockExclusive).is_ok();
        let Ok((parent, name)) = place(path) else {
            return;
        };
        if !is_alone || !is_in(&self.file, &parent, name) || !is_empty(&self.file, path) {
            return;
        }
        let flags = match self.file.metadata().map(|facts| facts.is_dir()) {
            // The kernel leaves one that is not empty.
            Ok(true) => AtFlags::REMOVEDIR,
            _ => AtFlags::empty(),
        };
        // Who exchanges it just now loses what they could remove themselves: it is in the same folder.
        let _ = unlinkat(&parent, name, flags);
    }
}

impl Drop for Placeholders {
    fn drop(&mut self) {
        for (path, held) in &self.held {
            if held.is_marked {
                held.remove(path);
            }
        }
    }
}

fn unmade(path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::protected(
        path,
        format!("it cannot be made: {why}"),
        "see that you may write there and that the disk is not full",
    )
}

/// The folder where the path leads without a symbolic link, and the name in it: whoever writes the workspace
/// meanwhile could have put one in.
fn place(path: &Path) -> io::Result<(OwnedFd, &OsStr)> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(ErrorKind::InvalidInput.into());
    };
    let parent = opened(parent, OFlags::PATH | OFlags::DIRECTORY)?;
    Ok((parent, name))
}

fn created(path: &Path, content: Option<&[u8]>) -> io::Result<File> {
    let (parent, name) = place(path)?;
    let Some(content) = content else {
        mkdirat(&parent, name, Mode::from_raw_mode(0o755))?;
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        return Ok(openat(&parent, name, flags, Mode::empty())?.into());
    };
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let mut file = File::from(openat(&parent, name, flags, Mode::from_raw_mode(0o644))?);
    file.write_all(content)?;
    Ok(file)
}

fn opened(path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::CLOEXEC;
    openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS)
}

/// What git has to find in a file of this name.
fn content(path: &Path) -> Option<&'static [u8]> {
    match path.file_name().and_then(|name| name.to_str()) {
        Some("config" | "config.worktree") => Some(b""),
        Some("commondir") => Some(HERE),
        _ => None,
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    place(path).is_ok_and(|(parent, name)| is_in(file, &parent, name))
}

fn is_in(file: &File, parent: &OwnedFd, name: &OsStr) -> bool {
    let identity = |facts: Stat| (facts.st_dev, facts.st_ino);
    let there = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).map(identity);
    let this = fstat(file).map(identity);
    matches!((there, this), (Ok(there), Ok(this)) if there == this)
}

/// Whether it is as a placeholder is made.
fn is_empty(file: &File, path: &Path) -> bool {
    let Ok(facts) = file.metadata() else {
        return false;
    };
    if facts.is_dir() {
        let always = |name: &[u8]| matches!(name, b"." | b"..");
        return Dir::read_from(file).is_ok_and(|mut entries| {
            entries.all(|entry| entry.is_ok_and(|entry| always(entry.file_name().to_bytes())))
        });
    }
    let content = content(path).unwrap_or_default();
    // An agent may have made it as large as it likes.
    let is_as_long = usize::try_from(facts.len()).is_ok_and(|length| length == content.len());
    let mut now = vec![0; content.len()];
    facts.is_file() && is_as_long && file.read_exact_at(&mut now, 0).is_ok() && now == content
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        os::unix::fs::symlink,
        path::Path,
    };

    use super::{FlockOperation, Placeholders, TRIES, There, created, flock, is_at};

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

    /// Whoever writes the workspace puts one in while the room is there.
    #[test]
    fn nothing_is_removed_behind_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (here, elsewhere) = (folder.path().join("here"), folder.path().join("elsewhere"));
        fs::create_dir(&here).unwrap();
        fs::create_dir(&elsewhere).unwrap();
        let made = made(&here.join("config"));
        // The same file, so that nothing but the link tells them apart.
        fs::hard_link(here.join("config"), elsewhere.join("config")).unwrap();
        fs::rename(&here, folder.path().join("aside")).unwrap();
        symlink(&elsewhere, &here).unwrap();
        drop(made);
        assert!(elsewhere.join("config").exists());
    }

    fn made(path: &Path) -> Placeholders {
        let mut placeholders = Placeholders::default();
        placeholders.make(path, false).unwrap();
        placeholders
    }

    #[test]
    fn the_last_to_have_it_removes_it() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["hooks", "commondir", "config"] {
            let path = folder.path().join(name);
            let (first, second) = (made(&path), made(&path));
            let mut third = Placeholders::default();
            assert_eq!(third.adopt(&path).unwrap(), There::Placeholder);
            drop(first);
            drop(third);
            assert!(path.exists(), "{name}");
            drop(second);
            assert!(!path.exists(), "{name}");
        }
    }

    /// Each has it, or has made it anew, whatever the other is about.
    #[test]
    fn those_who_come_and_go_do_not_take_it_from_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hooks");
        let come_and_go = || {
            for _ in 0..100 {
                let placeholders = made(&path);
                let held = placeholders.held.get(&path).unwrap();
                assert!(is_at(&held.file, &path));
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(come_and_go);
            }
        });
        assert!(!path.exists());
    }

    #[test]
    fn what_was_filled_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (hooks, config) = (folder.path().join("hooks"), folder.path().join("config"));
        let both = (made(&hooks), made(&config));
        fs::write(hooks.join("x"), "mine").unwrap();
        fs::write(&config, "mine").unwrap();
        drop(both);
        assert!(hooks.join("x").exists());
        assert_eq!(fs::read_to_string(&config).unwrap(), "mine");
    }

    #[test]
    fn a_lock_of_somebody_elses_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hooks");
        fs::create_dir(&path).unwrap();
        let theirs = File::open(&path).unwrap();
        flock(&theirs, FlockOperation::LockExclusive).unwrap();
        let error = Placeholders::default().adopt(&path).unwrap_err();
        assert!(error.next_step().contains("lslocks"), "{error}");
        assert!(error.to_string().contains("/hooks`"), "{error}");
    }

    /// However many there are.
    #[test]
    fn locks_of_somebody_elses_are_waited_for_together() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hooks");
        fs::create_dir(&path).unwrap();
        let theirs = File::open(&path).unwrap();
        flock(&theirs, FlockOperation::LockExclusive).unwrap();
        let mut placeholders = Placeholders::default();
        for _ in 0..4 {
            placeholders.adopt(&path).unwrap_err();
        }
        assert_eq!(placeholders.waits.0, TRIES);
    }

    /// An agent can mark what it likes.
    #[test]
    fn what_is_large_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        drop(made(&path));
        let mut first = made(&path);
        fs::OpenOptions::new()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(512 << 20)
            .unwrap();
        first.held.clear();
        assert_eq!(Placeholders::default().adopt(&path).unwrap(), There::Theirs);
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find(|line| line.starts_with("VmHWM:"));
        let peak: String = peak.unwrap().chars().filter(char::is_ascii_digit).collect();
        assert!(peak.parse::<u64>().unwrap() < 256 << 10, "{peak} KiB");
    }
}
