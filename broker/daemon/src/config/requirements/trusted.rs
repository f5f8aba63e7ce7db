//! From whom requirements are taken: from whoever could have written them, and that may only be root.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs::{self, File, Metadata},
    io::{self, ErrorKind, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Component, Path, PathBuf},
};

/// Largest file, in bytes.
pub(super) const LIMIT: u64 = 1 << 20;
/// Most symbolic links on one way, as the kernel counts them (`path_resolution(7)`).
const LINKS: usize = 40;
/// Root.
const ROOT: u32 = 0;
/// In a folder with this bit only owners rename and remove.
const STICKY: u32 = 0o1000;
/// Group and others may write.
const WRITABLE: u32 = 0o022;

/// Those whose files count: root, and the user that requirements must belong to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trusted(pub(super) u32);

/// What is found at the end of a way that only trusted users could have laid.
#[derive(Debug)]
pub(super) struct Found {
    /// Its path without symbolic links. Nobody else can put anything there in its place.
    pub(super) path: PathBuf,
    facts: Metadata,
}

impl Trusted {
    /// The bytes of a regular file, `None` where there is none.
    ///
    /// # Errors
    /// A sentence that says which file or folder on the way somebody else could have changed, and what
    /// to do. A missing file in a folder that others may write is one too: they could have removed it.
    pub(super) fn read(self, path: &Path) -> Result<Option<Vec<u8>>, String> {
        let Some(found) = self.find(path)? else {
            return Ok(None);
        };
        if !found.facts.is_file() {
            return Err(wrong(path, "is not a regular file; put one there"));
        }
        read_bounded(&found.path).map(Some)
    }

    /// Follows `path` from the root, looking at every folder and every symbolic link on the way.
    ///
    /// # Errors
    /// As [`Trusted::read`].
    pub(super) fn find(self, path: &Path) -> Result<Option<Found>, String> {
        let mut way = Way::begin(path)?;
        let mut doubt = None;
        while let Some(name) = way.ahead.pop_front() {
            if name == ".." {
                way.at.pop();
                continue;
            }
            // A folder on the way, or the root: the next step goes through it.
            let folder = lstat(&way.at)?.ok_or_else(|| wrong(&way.at, "is gone; try again"))?;
            doubt = doubt.or_else(|| self.distrust(&way.at, &folder, STICKY));
            let here = way.at.join(&name);
            let Some(facts) = lstat(&here)? else {
                // Where the last folder is there, it is the folder of requirements, and whoever may
                // write it could have removed them.
                return match doubt {
                    Some(doubt) if way.ahead.is_empty() => Err(doubt),
                    _ => Ok(None),
                };
            };
            if facts.is_symlink() {
                doubt = doubt.or_else(|| self.foreign(&here, &facts));
                way.follow(&here)?;
            } else {
                way.at = here;
            }
        }
        let facts = lstat(&way.at)?.ok_or_else(|| wrong(&way.at, "is gone; try again"))?;
        match doubt.or_else(|| self.distrust(&way.at, &facts, 0)) {
            Some(doubt) => Err(doubt),
            None => Ok(Some(Found {
                path: way.at,
                facts,
            })),
        }
    }

    /// Why what is at `path` could have been changed by others, unless one of the bits `but` is set.
    fn distrust(self, path: &Path, facts: &Metadata, but: u32) -> Option<String> {
        let written = facts.mode() & WRITABLE != 0 && facts.mode() & but == 0;
        self.foreign(path, facts).or_else(|| {
            written.then(|| {
                wrong(
                    path,
                    "can be written by others; look at what it says, and run `chmod go-w` on it as root",
                )
            })
        })
    }

    fn foreign(self, path: &Path, facts: &Metadata) -> Option<String> {
        let owner = facts.uid();
        (owner != ROOT && owner != self.0).then(|| {
            wrong(
                path,
                &format!(
                    "belongs to user {owner}; look at what it says, and run `chown -h root` on it as root"
                ),
            )
        })
    }
}

/// Why what is at `path` is not known to be the admin's; `None` where it is.
pub(in crate::config) fn changeable(path: &Path, owner: u32) -> Option<String> {
    match Trusted(owner).find(path) {
        Ok(Some(_)) => None,
        Ok(None) => Some(wrong(path, "does not exist")),
        Err(why) => Some(why),
    }
}

/// How far one has come, without symbolic links, and what is still ahead.
struct Way {
    at: PathBuf,
    ahead: VecDeque<OsString>,
    links: usize,
}

impl Way {
    fn begin(path: &Path) -> Result<Self, String> {
        if !path.is_absolute() {
            return Err(wrong(path, "is not an absolute path; write one"));
        }
        Ok(Self {
            at: PathBuf::from("/"),
            ahead: steps(path).collect(),
            links: 0,
        })
    }

    fn follow(&mut self, link: &Path) -> Result<(), String> {
        self.links += 1;
        if self.links > LINKS {
            return Err(wrong(link, "leads in circles; remove it"));
        }
        let target = fs::read_link(link).map_err(|error| unreadable(link, &error))?;
        if target.is_absolute() {
            self.at = PathBuf::from("/");
        }
        for step in steps(&target).collect::<Vec<_>>().into_iter().rev() {
            self.ahead.push_front(step);
        }
        Ok(())
    }
}

fn steps(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|step| match step {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    })
}

fn lstat(path: &Path) -> Result<Option<Metadata>, String> {
    match fs::symlink_metadata(path) {
        Ok(facts) => Ok(Some(facts)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// The bytes of a file that is not larger than [`LIMIT`].
pub(super) fn read_bounded(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LIMIT + 1).read_to_end(&mut bytes));
    read.map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > LIMIT {
        return Err(wrong(path, "is larger than 1 MiB; make it smaller"));
    }
    Ok(bytes)
}

/// What the system said of a path, and what to do.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> String {
    wrong(
        path,
        &format!("cannot be read: {error}; give the broker's user access, or remove it as root"),
    )
}

/// A sentence about a path.
pub(super) fn wrong(path: &Path, what: &str) -> String {
    format!("`{}` {what}", path.display())
}
