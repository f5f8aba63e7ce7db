//! Which repositories there are below a folder, as far as there is time.

use std::{
    collections::VecDeque,
    ffi::OsStr,
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// How far a look goes. By numbers and not by a clock, so that the same is found every time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    pub(crate) folders: usize,
    /// How many names in them.
    pub(crate) names: usize,
    /// How much is kept in mind of where to go and of what was found, in bytes of paths.
    pub(crate) kept: usize,
    /// How many repositories are looked into.
    pub(crate) repositories: usize,
    /// How large an index may be, in bytes.
    pub(crate) index: u64,
    /// How much is read of all that is found, in bytes.
    pub(crate) bytes: u64,
}

/// Large folders that others fill: last.
const LATER: &[&str] = &["node_modules", "target", ".venv"];

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Whatever is called `.git`, and folders that are a repository themselves: git takes them for one without a
    /// working tree if it is run there.
    pub(crate) found: Vec<PathBuf>,
    /// Whether it was everywhere.
    pub(crate) complete: bool,
    /// Whether there is something where it was not.
    passed_by: bool,
    /// How much is kept in mind.
    kept: usize,
    #[cfg(test)]
    most_kept: usize,
}

/// Nearest first, and not through links: git does not either.
pub(crate) fn walk(root: &Path, bound: Bound) -> Walk {
    let mut walk = Walk {
        kept: size(root),
        ..Walk::default()
    };
    let mut now = VecDeque::from([root.to_owned()]);
    let mut later = VecDeque::new();
    let (mut folders, mut names) = (0, 0);
    while let Some(folder) = now.pop_front().or_else(|| later.pop_front()) {
        if folders == bound.folders {
            return walk;
        }
        folders += 1;
        walk.kept -= size(&folder);
        names += walk.look(&folder, bound, bound.names - names, &mut now, &mut later);
        if names == bound.names {
            return walk;
        }
    }
    walk.complete = !walk.passed_by;
    walk
}

impl Walk {
    /// At no more than `most` names; returns how many there were.
    fn look(
        &mut self,
        folder: &Path,
        bound: Bound,
        most: usize,
        now: &mut VecDeque<PathBuf>,
        later: &mut VecDeque<PathBuf>,
    ) -> usize {
        let mut count = 0;
        let mut parts = Parts::default();
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                self.look_by_name(folder, &error, bound.kept);
                return count;
            }
        };
        for entry in entries.flatten().take(most) {
            count += 1;
            let name = entry.file_name();
            if name == ".git" {
                self.find(entry.path(), bound.kept);
                continue;
            }
            parts.add(&name);
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let is_later = LATER.iter().any(|other| name == *other);
                let queue = if is_later { &mut *later } else { &mut *now };
                // What nobody would come to is not kept in mind.
                if queue.len() == bound.folders {
                    self.passed_by = true;
                } else if let Some(path) = self.kept(entry.path(), bound.kept) {
                    queue.push_back(path);
                }
            }
        }
        if parts.are_a_repository() {
            self.find(folder.to_owned(), bound.kept);
        }
        count
    }

    fn find(&mut self, path: PathBuf, most: usize) {
        let kept = self.kept(path, most);
        self.found.extend(kept);
    }

    /// If there is room in mind for it.
    fn kept(&mut self, path: PathBuf, most: usize) -> Option<PathBuf> {
        let size = size(&path);
        if self.kept + size > most {
            self.passed_by = true;
            return None;
        }
        self.kept += size;
        #[cfg(test)]
        {
            self.most_kept = self.most_kept.max(self.kept);
        }
        Some(path)
    }

    /// Where nobody may list what there is, but may go in: git goes by names too.
    fn look_by_name(&mut self, folder: &Path, refusal: &io::Error, most: usize) {
        let is_there = |name: &str| fs::symlink_metadata(folder.join(name)).is_ok();
        match refusal.kind() {
            // It was removed just now.
            ErrorKind::NotFound | ErrorKind::NotADirectory => return,
            // Nor does git of this user's go in.
            ErrorKind::PermissionDenied if !is_there(".") => return,
            _ => self.passed_by = true,
        }
        if is_there(".git") {
            self.find(folder.join(".git"), most);
        }
        let mut parts = Parts::default();
        for name in Parts::NAMES.iter().filter(|name| is_there(name)) {
            parts.add(OsStr::new(name));
        }
        if parts.are_a_repository() {
            self.find(folder.to_owned(), most);
        }
    }
}

/// Of a path that is kept, also what is around it.
fn size(path: &Path) -> usize {
    size_of::<PathBuf>() + path.as_os_str().len()
}

/// What is in a folder that may be a repository itself.
#[derive(Default)]
struct Parts([bool; 4]);

impl Parts {
    const NAMES: [&str; 4] = ["HEAD", "commondir", "objects", "refs"];

    fn add(&mut self, name: &OsStr) {
        for (part, is_there) in Self::NAMES.iter().zip(&mut self.0) {
            *is_there |= name == *part;
        }
    }

    /// The others may be where `commondir` says.
    const fn are_a_repository(&self) -> bool {
        let [head, commondir, objects, refs] = self.0;
        head && (commondir || (objects && refs))
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::ErrorKind};

    use super::{Bound, Walk, walk};

    /// Git needs no list of what is there, and whoever goes in has it run.
    #[test]
    fn folders_that_cannot_be_listed_are_asked_for_names() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["a/.git", "b/refs", "b/objects"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        fs::write(root.join("b/HEAD"), "").unwrap();
        let mut walk = Walk::default();
        // Root is refused nothing.
        let refusal = ErrorKind::PermissionDenied.into();
        walk.look_by_name(&root.join("none"), &refusal, 1000);
        assert!(!walk.passed_by && walk.found.is_empty());
        for name in ["a", "b"] {
            walk.look_by_name(&root.join(name), &refusal, 1000);
        }
        assert_eq!(walk.found, ["a/.git", "b"].map(|name| root.join(name)));
        assert!(walk.passed_by);
    }

    #[test]
    fn repositories_are_found_wherever_they_are_and_the_nearest_first() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in [
            "node_modules/a/.git",
            "a/b/c/.git",
            "bare/objects",
            "bare/refs",
            "x/objects",
            "x/refs",
            "y",
            "z",
        ] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        fs::write(root.join("bare/HEAD"), "").unwrap();
        fs::write(root.join("y/HEAD"), "").unwrap();
        fs::write(root.join("y/commondir"), "../x").unwrap();
        fs::write(root.join("z/.git"), "gitdir: elsewhere").unwrap();
        std::os::unix::fs::symlink("z", root.join("link")).unwrap();
        let bound = |folders| Bound {
            folders,
            names: 1000,
            kept: 10_000,
            repositories: 0,
            index: 0,
            bytes: 0,
        };
        let all = walk(root, bound(100));
        let mut found = all.found.clone();
        found.sort();
        let expected = ["a/b/c/.git", "bare", "node_modules/a/.git", "y", "z/.git"];
        assert_eq!(found, expected.map(|name| root.join(name)));
        assert_eq!(all.found.last(), Some(&root.join("node_modules/a/.git")));
        assert!(all.complete);
        let few = walk(root, bound(4));
        assert!(!few.complete);
        assert!(!few.found.is_empty() && few.found.len() < all.found.len());
        let few = walk(
            root,
            Bound {
                names: 3,
                ..bound(100)
            },
        );
        assert!(!few.complete && few.found.len() < all.found.len());
    }

    /// Paths are as long as whoever makes them likes.
    #[test]
    fn so_much_is_kept_in_mind_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for number in 0..100 {
            fs::create_dir(root.join(format!("{number}{}", "a".repeat(200)))).unwrap();
            fs::create_dir_all(root.join(format!("b{number}/.git"))).unwrap();
        }
        let bound = |kept| Bound {
            folders: 1000,
            names: 1000,
            kept,
            repositories: 0,
            index: 0,
            bytes: 0,
        };
        let all = walk(root, bound(100_000));
        assert!(all.complete && all.found.len() == 100);
        assert!((20_000..100_000).contains(&all.most_kept));
        let few = walk(root, bound(10_000));
        assert!(!few.complete && few.found.len() < 100);
        assert!((9000..=10_000).contains(&few.most_kept));
    }
}
