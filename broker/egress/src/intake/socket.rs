//! The intake's socket in the file system.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tokio::net::UnixListener;

/// `<runtime>/room.sock`; the folder is the owner's alone.
pub(super) fn path(runtime: &Path) -> PathBuf {
    runtime.join("room.sock")
}

/// Makes it, mode 0600, in place of what an earlier run left.
pub(super) fn bind(path: &Path) -> io::Result<UnixListener> {
    let made = path.with_extension("new");
    gone_is_fine(fs::remove_file(&made))?;
    let listener = UnixListener::bind(&made)?;
    // Until here the folder alone kept others out.
    fs::set_permissions(&made, Permissions::from_mode(0o600))?;
    fs::rename(&made, path)?;
    Ok(listener)
}

/// Removes it.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    gone_is_fine(fs::remove_file(path))
}

fn gone_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
