//! Programs of the host's to run.

use std::{
    env, fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// One that nobody but root can have put there.
pub(crate) fn of_root(name: &str) -> Option<PathBuf> {
    let fixed = PathBuf::from("/usr/bin");
    let path = env::var_os("PATH").unwrap_or_default();
    let others: Vec<PathBuf> = env::split_paths(&path).collect();
    [fixed]
        .into_iter()
        .chain(others)
        .filter(|folder| folder.is_absolute() && is_roots(folder))
        .map(|folder| folder.join(name))
        .find(|program| program.is_file() && is_roots(program))
}

/// Owned by root, and for nobody else to write.
fn is_roots(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|facts| facts.uid() == 0 && facts.mode() & 0o022 == 0)
}
