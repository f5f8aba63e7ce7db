//! Reads what an agent may have put there: no more than expected, and nothing that would keep a reader waiting.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::Read as _,
    os::{
        fd::AsRawFd as _,
        unix::{ffi::OsStringExt as _, fs::OpenOptionsExt as _},
    },
    path::{Path, PathBuf},
};

use rustix::fs::{Mode, OFlags, open};

/// More than any settings of git's have.
pub(crate) const SMALL: u64 = 65536;
/// As much as git reads of a `.git`.
const PATH: u64 = 1024 * 1024;

/// Only of a file, and only the whole of it.
pub(crate) fn bounded(path: &Path, limit: u64) -> Option<Vec<u8>> {
    // A pipe would be waited for.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .ok()?;
    let facts = file.metadata().ok()?;
    if !facts.is_file() || facts.len() > limit {
        return None;
    }
    // An index is large, and would be copied as this grows.
    let mut bytes = Vec::with_capacity(usize::try_from(facts.len()).ok()?.checked_add(1)?);
    file.take(limit.min(facts.len()))
        .read_to_end(&mut bytes)
        .ok()?;
    Some(bytes)
}

/// As [`fs::canonicalize`], which asks for each folder on the way by its whole path: of thousands that takes a tenth of a
/// second.
pub(crate) fn real(path: &Path) -> Option<PathBuf> {
    let file = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
    fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()
}

/// A path that git reads from a file, behind a mark: to the byte, without ends of lines.
pub(super) fn path_in(file: &Path, mark: &str) -> Option<PathBuf> {
    path_read(file, mark, &mut 0)
}

/// The same, and how many bytes more were read.
pub(super) fn path_read(file: &Path, mark: &str, read: &mut u64) -> Option<PathBuf> {
    let mut bytes = bounded(file, PATH)?;
    *read += bytes.len() as u64;
    let end = bytes.iter().rposition(|byte| !b"\r\n".contains(byte));
    bytes.truncate(end.map_or(0, |end| end + 1));
    // To git, which is written in C, it ends there.
    let end = bytes.iter().position(|&byte| byte == 0);
    bytes.truncate(end.unwrap_or(bytes.len()));
    let path = bytes.strip_prefix(mark.as_bytes())?;
    Some(OsString::from_vec(path.to_vec()).into())
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use super::bounded;

    #[test]
    fn nothing_but_a_file_of_the_right_size_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let (file, pipe) = (folder.path().join("file"), folder.path().join("pipe"));
        fs::write(&file, "four").unwrap();
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        assert_eq!(bounded(&file, 4).as_deref(), Some(&b"four"[..]));
        assert_eq!(bounded(&file, 3), None);
        assert_eq!(bounded(&pipe, 4), None);
        assert_eq!(bounded(folder.path(), 4), None);
    }
}
