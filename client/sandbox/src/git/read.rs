//! Reads what an agent may have put there: no more than expected, and nothing that would keep a reader waiting.

use std::{fs::File, io::Read as _, os::unix::fs::OpenOptionsExt as _, path::Path};

use rustix::fs::OFlags;

/// More than any settings of git's have.
pub(crate) const SMALL: u64 = 65536;

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

pub(crate) fn small(path: &Path) -> Option<String> {
    String::from_utf8(bounded(path, SMALL)?).ok()
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use super::{bounded, small};

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
        assert_eq!(small(&file).as_deref(), Some("four"));
        assert_eq!(bounded(&file, 3), None);
        assert_eq!(small(&pipe), None);
        assert_eq!(small(folder.path()), None);
    }
}
