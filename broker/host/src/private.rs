//! Folders and sockets for their owner alone.

use std::{
    fs::{self, DirBuilder, File, Metadata},
    io,
    os::unix::{
        fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    process::geteuid,
};

/// Why a folder or a socket is not private, or not there.
#[derive(Debug, thiserror::Error)]
pub enum PrivateError {
    /// It is a symbolic link, a file, or something else.
    #[error("`{}` is not {wanted}; remove it, or configure another path", path.display())]
    Other {
        /// The path.
        path: PathBuf,
        /// What it should be, with its article.
        wanted: &'static str,
    },
    /// It belongs to another user.
    #[error("`{}` belongs to user {owner}; configure a path of your own", path.display())]
    Foreign {
        /// The path.
        path: PathBuf,
        /// The user id that owns it.
        owner: u32,
    },
    /// Others may enter it, or replace it.
    #[error("`{}` is open to other users; run `chmod {wanted} {}`", path.display(), path.display())]
    Open {
        /// The path.
        path: PathBuf,
        /// What `chmod` should set.
        wanted: &'static str,
    },
    /// Somebody listens there.
    #[error("something listens on `{}` already; end it, or configure another path", path.display())]
    InUse {
        /// The path.
        path: PathBuf,
    },
    /// The system said no.
    #[error("`{}` cannot be used: {error}", path.display())]
    System {
        /// The path.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
}

/// The user that this process acts as, and that everything it makes belongs to.
pub fn owner() -> u32 {
    geteuid().as_raw()
}

/// Sees to a folder that only its owner, this user, can enter (mode 0700), making it and whatever is
/// missing above it. What is there already is examined, never changed.
///
/// Afterwards its path is safe to use by name: nobody but this user and root can replace it or any
/// folder above it.
///
/// # Errors
/// Each of [`PrivateError`] but [`PrivateError::InUse`]. A symbolic link at the end of `path` is
/// refused; above it links are resolved and what they lead to is examined.
pub fn private_dir(path: &Path) -> Result<(), PrivateError> {
    let system = |error: io::Error| PrivateError::System {
        path: path.to_owned(),
        error,
    };
    // An existing folder, or a link to one, is no error here.
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    let folder = match open_folder(path) {
        Ok(folder) => folder,
        Err(rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => {
            return Err(PrivateError::Other {
                path: path.to_owned(),
                wanted: "a folder",
            });
        }
        Err(error) => return Err(system(made.err().unwrap_or_else(|| error.into()))),
    };
    let facts = File::from(folder).metadata().map_err(system)?;
    owned(path, &facts)?;
    if facts.mode() & 0o077 != 0 {
        return Err(PrivateError::Open {
            path: path.to_owned(),
            wanted: "700",
        });
    }
    let resolved = path.canonicalize().map_err(system)?;
    resolved.ancestors().skip(1).try_for_each(steady)
}

/// Listens on a Unix socket that only its owner, this user, can connect to (mode 0600), in a folder
/// that is private: between making it and setting its mode it is behind a closed door. A socket of
/// this user that nobody listens on any more is replaced. Non-blocking, as an async runtime wants it.
///
/// Two brokers that do this at the same time are kept apart by [`InstanceLock`](crate::InstanceLock).
///
/// # Errors
/// Each of [`PrivateError`]. Anything at `path` that is not such a left-over is left alone.
pub fn bind_private_socket(path: &Path) -> Result<UnixListener, PrivateError> {
    let system = |error: io::Error| PrivateError::System {
        path: path.to_owned(),
        error,
    };
    let folder = path
        .parent()
        .ok_or_else(|| system(io::ErrorKind::InvalidInput.into()))?;
    private_dir(folder)?;
    remove_leftover(path)?;
    let listener = UnixListener::bind(path).map_err(system)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(system)?;
    listener.set_nonblocking(true).map_err(system)?;
    Ok(listener)
}

fn open_folder(path: &Path) -> rustix::io::Result<std::os::fd::OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
    openat(CWD, path, flags, Mode::empty())
}

fn owned(path: &Path, facts: &Metadata) -> Result<(), PrivateError> {
    if facts.uid() == geteuid().as_raw() {
        return Ok(());
    }
    Err(PrivateError::Foreign {
        path: path.to_owned(),
        owner: facts.uid(),
    })
}

/// A folder above: nobody else may rename what is in it. In a sticky one, such as `/tmp`, only owners
/// rename. Group-writable is let pass: where every user has a group of their own it is the rule.
fn steady(folder: &Path) -> Result<(), PrivateError> {
    let facts = fs::metadata(folder).map_err(|error| PrivateError::System {
        path: folder.to_owned(),
        error,
    })?;
    if facts.uid() != 0 {
        owned(folder, &facts)?;
    }
    if facts.mode() & 0o1002 == 0o0002 {
        return Err(PrivateError::Open {
            path: folder.to_owned(),
            wanted: "o-w",
        });
    }
    Ok(())
}

fn remove_leftover(path: &Path) -> Result<(), PrivateError> {
    let system = |error: io::Error| PrivateError::System {
        path: path.to_owned(),
        error,
    };
    let facts = match fs::symlink_metadata(path) {
        Ok(facts) => facts,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(system(error)),
    };
    if !facts.file_type().is_socket() {
        return Err(PrivateError::Other {
            path: path.to_owned(),
            wanted: "a socket",
        });
    }
    owned(path, &facts)?;
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(system)
        }
        Ok(_) => Err(PrivateError::InUse {
            path: path.to_owned(),
        }),
        Err(error) => Err(system(error)),
    }
}

#[cfg(test)]
mod tests;
