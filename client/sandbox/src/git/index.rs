//! Which repositories an index says are within: `git status` goes into each and does as its settings say.
//!
//! Read here and not by git, which could be made to run something while it reads one. An agent may have written
//! it (gitformat-index(5)).

use std::{
    ffi::{OsStr, OsString},
    fs,
    io::ErrorKind,
    os::unix::ffi::OsStrExt as _,
    path::{Component, Path, PathBuf},
};

use super::read::bounded;

/// More repositories than anybody has in one.
const MOST: usize = 4096;
/// How many parts an index may be in.
const PARTS: usize = 8;
/// More names than a folder of git's has.
const NAMES: usize = 10_000;
/// From so many bytes on a name is none that the kernel opens.
const LONGEST: usize = 4096;

/// Repositories, by their folders relative to that of the index.
#[derive(Debug, Default)]
pub(crate) struct Links {
    pub(crate) paths: Vec<PathBuf>,
    /// Whether these are all.
    pub(crate) complete: bool,
    /// How many bytes were read for them.
    pub(crate) bytes: u64,
}

/// Of the index in a folder of git's, and of what it shares with others; each of no more bytes than `limit`, and all of
/// no more than `most`.
pub(crate) fn links(folder: &Path, limit: u64, most: u64) -> Links {
    let (parts, complete) = shared(folder);
    let mut links = Links {
        complete,
        ..Links::default()
    };
    for file in [folder.join("index")].into_iter().chain(parts) {
        match bounded(&file, limit.min(most - links.bytes)) {
            Some(bytes) => {
                links.bytes += bytes.len() as u64;
                links.add(&bytes);
            }
            None => links.complete &= fs::symlink_metadata(&file).is_err(),
        }
    }
    links
}

/// What an index may share with others, and whether these are all.
fn shared(folder: &Path) -> (Vec<PathBuf>, bool) {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return (Vec::new(), error.kind() != ErrorKind::PermissionDenied),
    };
    let mut names = entries.flatten().map(|entry| entry.file_name());
    let shared = |name: &OsString| name.as_bytes().starts_with(b"sharedindex.");
    let mut found = names.by_ref().take(NAMES).filter(shared);
    let parts = found.by_ref().take(PARTS);
    let parts = parts.map(|name| folder.join(name)).collect();
    let complete = found.next().is_none() && names.next().is_none();
    (parts, complete)
}

impl Links {
    /// An index does not say which hash it has. With the wrong one next to nothing is found, and what is not there
    /// does no harm.
    fn add(&mut self, bytes: &[u8]) {
        for hash in [20, 32] {
            let _ = self.read(bytes, hash);
        }
    }

    fn read(&mut self, bytes: &[u8], hash: usize) -> Option<()> {
        let mut rest = bytes.strip_prefix(b"DIRC")?;
        let version = number(&mut rest)?;
        let count = number(&mut rest)?;
        let mut name = Vec::new();
        for _ in 0..count {
            let entry = rest;
            let mode = u32::from_be_bytes(*entry.get(24..)?.first_chunk()?);
            let flags = u16::from_be_bytes(*entry.get(40 + hash..)?.first_chunk()?);
            let is_extended = flags & 0x4000 != 0;
            let fixed = 40 + hash + if is_extended { 4 } else { 2 };
            rest = entry.get(fixed..)?;
            if version == 4 {
                let cut = varint(&mut rest)?;
                name.truncate(name.len().checked_sub(cut)?);
                let (added, behind) = rest.split_at_checked(until_zero(rest)?)?;
                name.extend(added);
                rest = behind.get(1..)?;
            } else {
                let length = match usize::from(flags & 0xfff) {
                    0xfff => until_zero(rest)?,
                    length => length,
                };
                if is_link(mode) {
                    name = rest.get(..length)?.to_owned();
                }
                // With one zero byte at least, to a multiple of eight.
                rest = entry.get(fixed.checked_add(length)?.checked_add(8)? & !7..)?;
            }
            if is_link(mode) {
                self.push(&name);
            }
        }
        Some(())
    }

    fn push(&mut self, name: &[u8]) {
        if self.paths.len() == MOST {
            self.complete = false;
            return;
        }
        if name.is_empty() || name.len() >= LONGEST {
            return;
        }
        let path = Path::new(OsStr::from_bytes(name));
        let is_below = path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if is_below {
            self.paths.push(path.to_owned());
        }
    }
}

const fn is_link(mode: u32) -> bool {
    mode & 0o170_000 == 0o160_000
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (bytes, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(u32::from_be_bytes(*bytes))
}

/// As packs have their offsets.
fn varint(rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0_usize;
    loop {
        let (&byte, behind) = rest.split_first()?;
        *rest = behind;
        value = value
            .checked_mul(128)?
            .checked_add(usize::from(byte & 127))?;
        if byte & 128 == 0 {
            return Some(value);
        }
        value = value.checked_add(1)?;
    }
}

fn until_zero(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|&byte| byte == 0)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, process::Command};

    use super::{LONGEST, Links, MOST, links};

    fn git(folder: &Path, words: &[&str]) {
        let output = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
            .args(words)
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
    }

    /// A repository with files and two others in it, one of them with a long name.
    fn repository(format: &str) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let long = format!("a/{}/{}", "b".repeat(250), "c".repeat(250));
        git(
            folder.path(),
            &["init", "-q", &format!("--object-format={format}")],
        );
        for name in ["a/dep", "z"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join("file"), "").unwrap();
        }
        for name in [&long, "b/other"] {
            let within = folder.path().join(name);
            fs::create_dir_all(&within).unwrap();
            git(
                &within,
                &["init", "-q", &format!("--object-format={format}")],
            );
            git(&within, &["commit", "-q", "--allow-empty", "-m", "x"]);
        }
        git(folder.path(), &["add", "--all"]);
        (folder, long)
    }

    #[test]
    fn what_git_has_in_an_index_is_found_in_every_format() {
        for format in ["sha1", "sha256"] {
            let (folder, long) = repository(format);
            for version in ["2", "3", "4"] {
                git(folder.path(), &["update-index", "--index-version", version]);
                // With an entry of version 3.
                git(folder.path(), &["add", "--intent-to-add", "z/file"]);
                for split in ["--no-split-index", "--split-index"] {
                    git(folder.path(), &["update-index", split]);
                    let found = links(&folder.path().join(".git"), 65536, 65536);
                    assert!(found.complete);
                    for expected in [Path::new(&long), Path::new("b/other")] {
                        assert!(
                            found.paths.iter().any(|path| path == expected),
                            "{format} {version} {split}: {found:?}"
                        );
                    }
                }
            }
        }
    }

    /// Entries of version 4 that take the name before them as it is.
    fn repeated(name: &[u8], count: u32) -> Links {
        let mut bytes = b"DIRC\0\0\0\x04".to_vec();
        bytes.extend(count.to_be_bytes());
        let mut fixed = [0; 62];
        fixed[24..28].copy_from_slice(&0o160_000_u32.to_be_bytes());
        for number in 0..count {
            bytes.extend(fixed);
            bytes.push(0);
            bytes.extend(if number == 0 { name } else { b"" });
            bytes.push(0);
        }
        let mut links = Links {
            complete: true,
            ..Links::default()
        };
        links.read(&bytes, 20);
        links
    }

    #[test]
    fn a_name_that_is_no_path_takes_no_room() {
        let most = u32::try_from(MOST).unwrap();
        assert_eq!(repeated(&[b'a'; LONGEST], most).paths.len(), 0);
        let links = repeated(&[b'a'; LONGEST - 1], most + 1);
        assert_eq!(links.paths.len(), MOST);
        assert!(!links.complete);
    }

    #[test]
    fn a_broken_index_is_read_as_far_as_it_goes() {
        let (folder, _) = repository("sha1");
        let bytes = fs::read(folder.path().join(".git/index")).unwrap();
        for end in 0..bytes.len() {
            let mut links = Links::default();
            links.add(&bytes[..end]);
        }
        for place in 0..bytes.len() {
            let mut links = Links::default();
            let mut bytes = bytes.clone();
            bytes[place] ^= 0xff;
            links.add(&bytes);
        }
    }
}
