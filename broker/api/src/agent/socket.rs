//! A session's socket in the file system.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use tokio::net::UnixListener;
use valetkey_core::SessionId;

/// Name of the socket in its folder.
const NAME: &str = "agent.sock";
/// Most folders of one session that are put aside.
const ASIDE: u32 = 1000;

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

/// Makes the session's socket, mode 0600 in a folder of mode 0700 that belongs to `owner`.
///
/// The folder is lent to a sandbox, so an agent may have put there what it likes, and may go on doing
/// so while this runs. So the socket is finished out of its reach and then moved in, in place of
/// whatever is there; no name in the folder is followed. Where that is a folder, which cannot be
/// replaced, the agent has shut its own door: the session gets a new folder, and the old one is put
/// aside.
pub(super) fn bind(runtime: &Path, session: SessionId, owner: u32) -> io::Result<UnixListener> {
    let folder = folder(runtime, session);
    private_folder(&folder)?;
    // Checked rather than believed: the folder may have been there before.
    let found = fs::symlink_metadata(&folder)?;
    if !found.is_dir() || found.uid() != owner {
        return Err(io::Error::other("its folder is not the broker's own"));
    }
    fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
    let made = sessions(runtime).join(format!("{session}.new"));
    gone_is_fine(fs::remove_file(&made))?;
    let listener = UnixListener::bind(&made)?;
    // Until here the folder alone kept others out.
    fs::set_permissions(&made, Permissions::from_mode(0o600))?;
    let socket = folder.join(NAME);
    if fs::rename(&made, &socket).is_err() {
        put_aside(runtime, session)?;
        private_folder(&folder)?;
        fs::rename(&made, &socket)?;
    }
    Ok(listener)
}

/// Moves the session's folder, with whatever an agent put there, out of the way.
fn put_aside(runtime: &Path, session: SessionId) -> io::Result<()> {
    let mut tried = (0..ASIDE).map(|number| {
        let aside = sessions(runtime).join(format!("{session}.aside-{number}"));
        fs::rename(folder(runtime, session), &aside).map(|()| aside)
    });
    let aside = tried
        .find(|moved| !matches!(moved, Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty))
        .unwrap_or_else(|| Err(io::Error::other("too many of its folders were put aside")))?;
    let aside = aside.display();
    tracing::warn!(%session, %aside, "its socket could not be put in place; the folder was put aside");
    Ok(())
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

fn gone_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
