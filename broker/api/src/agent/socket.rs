//! A session's socket in the file system.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use tokio::net::UnixListener;
use valetkey_core::SessionId;

/// Name of the socket in its folder.
const NAME: &str = "agent.sock";

/// `<runtime>/s/<session>/agent.sock`. The folder is the session's own, so that a sandbox can be
/// given it and nothing else.
pub(crate) fn path(runtime: &Path, session: SessionId) -> PathBuf {
    folder(runtime, session).join(NAME)
}

fn folder(runtime: &Path, session: SessionId) -> PathBuf {
    sessions(runtime).join(session.to_string())
}

fn sessions(runtime: &Path) -> PathBuf {
    runtime.join("s")
}

/// Makes the folder that the sessions' folders are in.
pub(super) fn prepare(runtime: &Path) -> io::Result<()> {
    private_folder(&sessions(runtime))
}

/// Makes the session's socket, mode 0600 in a folder of mode 0700 that belongs to `owner`. A socket
/// that an earlier run left behind is replaced; anything else in its place is an error.
pub(super) fn bind(runtime: &Path, session: SessionId, owner: u32) -> io::Result<UnixListener> {
    let folder = folder(runtime, session);
    private_folder(&folder)?;
    // Checked rather than believed: the folder may have been there before.
    let found = fs::symlink_metadata(&folder)?;
    if !found.is_dir() || found.uid() != owner {
        return Err(io::Error::other("its folder is not the broker's own"));
    }
    fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
    let socket = folder.join(NAME);
    clear(&socket, owner)?;
    let listener = UnixListener::bind(&socket)?;
    // Until here the folder alone kept others out.
    fs::set_permissions(&socket, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Removes the session's socket and, where `folder_too`, its folder. What is gone already is no error.
pub(super) fn remove(runtime: &Path, session: SessionId, folder_too: bool) -> io::Result<()> {
    let folder = folder(runtime, session);
    gone_is_fine(fs::remove_file(folder.join(NAME)))?;
    if folder_too {
        gone_is_fine(fs::remove_dir(&folder))?;
    }
    Ok(())
}

fn private_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

fn clear(socket: &Path, owner: u32) -> io::Result<()> {
    match fs::symlink_metadata(socket) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(found) if found.file_type().is_socket() && found.uid() == owner => {
            fs::remove_file(socket)
        }
        Ok(_) => Err(io::Error::other("something else is in its place")),
    }
}

fn gone_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
