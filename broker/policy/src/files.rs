//! Policy files: which are read, and from whom they are taken.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{ErrorKind, Read as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use ring::digest::{Context, SHA256};
use rustix::{fs::OFlags, process::geteuid};
use valetkey_core::{ports::PolicyError, text::printable};

use crate::BASELINE;

/// Largest policy file, in bytes.
const FILE_LIMIT: u64 = 1 << 20;
/// Longest part of a path that a message shows, in characters.
const PATH_SHOWN: usize = 200;
/// Root.
const ROOT: u32 = 0;

/// One policy file.
#[derive(Debug)]
pub(crate) struct PolicyFile {
    /// Its name in its folder, fit for a terminal.
    pub(crate) name: String,
    /// Where it is, fit for a terminal.
    pub(crate) shown: String,
    pub(crate) text: String,
}

impl PolicyFile {
    /// The files that are compiled in.
    pub(crate) fn baseline() -> Vec<Self> {
        let files = BASELINE.iter().map(|(name, text)| Self {
            name: (*name).to_owned(),
            shown: format!("{name} of the baseline"),
            text: (*text).to_owned(),
        });
        files.collect()
    }
}

/// The policy files of `folders`: in their order, then by name. Files with other endings, hidden files
/// and subfolders are left alone.
pub(crate) fn read(folders: &[PathBuf]) -> Result<Vec<PolicyFile>, PolicyError> {
    let mut files = Vec::new();
    for folder in folders {
        let about = fs::metadata(folder).map_err(|error| unreadable(folder, &error))?;
        trusted(&about, folder)?;
        let paths = list(folder, b".cedar")?;
        if paths.is_empty() {
            return Err(wrong(
                folder,
                "holds no `.cedar` file; to permit nothing, leave one there that is empty",
            ));
        }
        for path in &paths {
            files.push(read_one(path, &trusted)?);
        }
    }
    Ok(files)
}

/// A file that is not on this machine.
pub(crate) fn from_text(name: &str, text: String) -> Result<PolicyFile, PolicyError> {
    let name = printable(name, PATH_SHOWN);
    if text.len() as u64 > FILE_LIMIT {
        let larger = format!("`{name}` is larger than 1 MiB; split it");
        return Err(PolicyError::Invalid(larger));
    }
    Ok(PolicyFile {
        shown: name.clone(),
        name,
        text,
    })
}

/// SHA-256 over the files, in hexadecimal. Each part is preceded by its length, so that no two sets of
/// files look the same.
pub(crate) fn digest(files: &[PolicyFile]) -> String {
    let mut context = Context::new(&SHA256);
    for part in files.iter().flat_map(|file| [&file.name, &file.text]) {
        context.update(&part.len().to_be_bytes());
        context.update(part.as_bytes());
    }
    let digest = context.finish();
    digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

/// The tables of `place`, a folder of `*.toml` files or one file. They give nothing to anybody, so nobody
/// is asked who wrote them.
pub(crate) fn read_tables(place: &Path) -> Result<Vec<PolicyFile>, PolicyError> {
    let about = fs::metadata(place).map_err(|error| unreadable(place, &error))?;
    let paths = if about.is_dir() {
        list(place, b".toml")?
    } else {
        vec![place.to_owned()]
    };
    if paths.is_empty() {
        return Err(wrong(place, "holds no `.toml` file"));
    }
    paths.iter().map(|path| read_one(path, &anybodys)).collect()
}

const fn anybodys(_: &Metadata, _: &Path) -> Result<(), PolicyError> {
    Ok(())
}

/// The visible files of a folder with that ending, by name.
fn list(folder: &Path, ending: &[u8]) -> Result<Vec<PathBuf>, PolicyError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, &error))? {
        let entry = entry.map_err(|error| unreadable(folder, &error))?;
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if name.ends_with(ending) && !name.starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn read_one(
    path: &Path,
    trusted: &dyn Fn(&Metadata, &Path) -> Result<(), PolicyError>,
) -> Result<PolicyFile, PolicyError> {
    let cannot = |error| unreadable(path, &error);
    let file = open(path).map_err(cannot)?;
    let about = file.metadata().map_err(cannot)?;
    if !about.is_file() {
        return Err(wrong(path, "is not a regular file; remove it"));
    }
    trusted(&about, path)?;
    let mut bytes = Vec::new();
    file.take(FILE_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(wrong(path, "is larger than 1 MiB; split it"));
    }
    let text =
        String::from_utf8(bytes).map_err(|_| wrong(path, "is not UTF-8 text; save it as that"))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(PolicyFile {
        name: printable(&name, PATH_SHOWN),
        shown: shown(path),
        text,
    })
}

/// Opens for reading without waiting, as a pipe would make us wait.
fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
}

/// Whoever may write policies grants everything, so it may only be root and this process's user.
fn trusted(about: &Metadata, path: &Path) -> Result<(), PolicyError> {
    let trusted = distrust(about.uid(), about.mode(), geteuid().as_raw());
    trusted.map_or(Ok(()), |why| Err(wrong(path, why)))
}

fn distrust(owner: u32, mode: u32, us: u32) -> Option<&'static str> {
    if owner != ROOT && owner != us {
        Some("belongs to another user; run `chown` so that it belongs to you or root")
    } else if mode & 0o022 != 0 {
        Some("may be written by other users; run `chmod go-w` on it")
    } else {
        None
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> PolicyError {
    match error.kind() {
        ErrorKind::NotFound => wrong(path, "does not exist; put it there, or name another"),
        ErrorKind::PermissionDenied => {
            wrong(path, "may not be read; give the broker's user access")
        }
        _ => wrong(path, &format!("cannot be read: {error}")),
    }
}

fn wrong(path: &Path, what: &str) -> PolicyError {
    PolicyError::Invalid(format!("`{}` {what}", shown(path)))
}

/// A path, fit for a terminal.
pub(crate) fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy(), PATH_SHOWN)
}

#[cfg(test)]
mod tests {
    use super::{PolicyFile, digest, distrust};

    #[test]
    fn only_root_and_ourselves_may_write_policies() {
        for (owner, mode) in [(0, 0o644), (1000, 0o600), (1000, 0o444), (0, 0o755)] {
            assert_eq!(distrust(owner, mode, 1000), None, "{owner} {mode:o}");
        }
        for (owner, mode) in [(1001, 0o600), (1000, 0o664), (0, 0o646), (1000, 0o1777)] {
            assert!(distrust(owner, mode, 1000).is_some(), "{owner} {mode:o}");
        }
    }

    #[test]
    fn the_digest_tells_names_from_texts() {
        let file = |name: &str, text: &str| PolicyFile {
            name: name.to_owned(),
            shown: String::new(),
            text: text.to_owned(),
        };
        let one = digest(&[file("ab", "c")]);
        assert_eq!(one.len(), 64);
        assert_ne!(one, digest(&[file("a", "bc")]));
        assert_ne!(one, digest(&[file("ab", "c"), file("", "")]));
    }
}
