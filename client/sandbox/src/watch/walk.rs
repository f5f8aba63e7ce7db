//! Which repositories there are below a folder, as far as there is time.

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
};

/// How far a look goes. By numbers and not by a clock, so that the same is found every time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    pub(crate) folders: usize,
    /// How many names in them.
    pub(crate) names: usize,
    /// How many repositories are looked into.
    pub(crate) repositories: usize,
    /// How large an index may be, in bytes.
    pub(crate) index: u64,
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
}

/// Nearest first, and not through links: git does not either.
pub(crate) fn walk(root: &Path, bound: Bound) -> Walk {
    let mut walk = Walk::default();
    let mut now = VecDeque::from([root.to_owned()]);
    let mut later = VecDeque::new();
    let (mut folders, mut names) = (0, 0);
    while let Some(folder) = now.pop_front().or_else(|| later.pop_front()) {
        if folders == bound.folders {
            return walk;
        }
        folders += 1;
        names += walk.look(&folder, bound.names - names, &mut now, &mut later);
        if names == bound.names {
            return walk;
        }
    }
    walk.complete = true;
    walk
}

impl Walk {
    /// At no more than `most` names; returns how many there were.
    fn look(
        &mut self,
        folder: &Path,
        most: usize,
        now: &mut VecDeque<PathBuf>,
        later: &mut VecDeque<PathBuf>,
    ) -> usize {
        let mut count = 0;
        let mut parts = [("HEAD", false), ("objects", false), ("refs", false)];
        // Where this user may not look, git of this user's does nothing.
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        for entry in entries.take(most) {
            count += 1;
            let name = entry.file_name();
            if name == ".git" {
                self.found.push(entry.path());
                continue;
            }
            for (part, is_there) in &mut parts {
                *is_there |= name == *part;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let is_later = LATER.iter().any(|other| name == *other);
                let queue = if is_later { &mut *later } else { &mut *now };
                queue.push_back(entry.path());
            }
        }
        if parts.iter().all(|(_, is_there)| *is_there) {
            self.found.push(folder.to_owned());
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Bound, walk};

    #[test]
    fn repositories_are_found_wherever_they_are_and_the_nearest_first() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in [
            "node_modules/a/.git",
            "a/b/c/.git",
            "bare/objects",
            "bare/refs",
            "z",
        ] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        fs::write(root.join("bare/HEAD"), "").unwrap();
        fs::write(root.join("z/.git"), "gitdir: elsewhere").unwrap();
        std::os::unix::fs::symlink("z", root.join("link")).unwrap();
        let bound = |folders| Bound {
            folders,
            names: 1000,
            repositories: 0,
            index: 0,
        };
        let all = walk(root, bound(100));
        let mut found = all.found.clone();
        found.sort();
        let expected = ["a/b/c/.git", "bare", "node_modules/a/.git", "z/.git"];
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
}
