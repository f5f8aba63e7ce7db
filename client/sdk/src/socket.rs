//! Where the sockets are, and whether one may be trusted with a developer's secrets.

use std::{
    env, fs, io,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use rustix::process::geteuid;
use tokio::net::UnixStream;

use crate::{Code, Error, error::shown};

/// Names the socket of an agent's session.
const SESSION: &str = "VALETKEY_SOCKET";
/// Names the control socket, where it is not at its usual place.
const CONTROL: &str = "VALETKEY_CONTROL";

/// What to do where nobody listens on the control socket.
pub(crate) const START: &str =
    "start the broker with `systemctl --user start valetkeyd.socket` or `valetkeyd`";

/// The session's socket, as the environment names it.
pub(crate) fn session() -> Result<PathBuf, Error> {
    named(SESSION).ok_or_else(|| {
        Error::new(
            Code::InvalidRequest,
            "`VALETKEY_SOCKET` is not set, so this is not inside a session",
        )
        .with_next_step(
            "run it inside `valetkey run`, or set what `valetkey session start` printed",
        )
    })
}

/// The control socket: `VALETKEY_CONTROL`, or `valetkey/control.sock` in `XDG_RUNTIME_DIR`.
pub(crate) fn control() -> Result<PathBuf, Error> {
    if let Some(path) = named(CONTROL) {
        return Ok(path);
    }
    let runtime = named("XDG_RUNTIME_DIR");
    if let Some(runtime) = &runtime
        && runtime.is_relative()
    {
        return Err(Error::new(
            Code::BrokerUnreachable,
            format!(
                "`XDG_RUNTIME_DIR` is `{}`, which is no absolute path",
                shown(runtime)
            ),
        )
        .with_next_step("set `XDG_RUNTIME_DIR`, usually to /run/user/ and your user id"));
    }
    let runtime = runtime.ok_or_else(|| {
        if named(SESSION).is_some() {
            return Error::new(
                Code::CallerRefused,
                "that is for the developer, outside of the session",
            )
            .with_next_step("inside, use `valetkey token`, `grants`, `exec` and `session show`");
        }
        Error::new(
            Code::BrokerUnreachable,
            "neither `XDG_RUNTIME_DIR` nor `VALETKEY_CONTROL` is set",
        )
        .with_next_step("set `XDG_RUNTIME_DIR`, usually to /run/user/ and your user id")
    })?;
    Ok(runtime.join("valetkey/control.sock"))
}

fn named(variable: &str) -> Option<PathBuf> {
    let value = env::var_os(variable)?;
    (!value.is_empty()).then(|| value.into())
}

/// Refuses a control socket that somebody else could have put there: it and its directory have to
/// be this user's, the directory open to nobody else, and neither a symbolic link.
pub(crate) fn check_owned(path: &Path) -> Result<(), Error> {
    let directory = path.parent().unwrap_or(Path::new(""));
    let me = geteuid().as_raw();
    let facts = stat(directory)?;
    if !facts.is_dir() || facts.uid() != me || facts.mode() & 0o077 != 0 {
        return Err(foreign(
            directory,
            "is not a directory that belongs to you alone",
        ));
    }
    let facts = stat(path)?;
    if !facts.file_type().is_socket() || facts.uid() != me {
        return Err(foreign(path, "is not a socket of yours"));
    }
    Ok(())
}

/// Whether the process that listens runs as this user. Unlike the check of the files, nobody can
/// get between it and the bytes that follow.
pub(crate) fn check_peer(stream: &UnixStream) -> io::Result<()> {
    if stream.peer_cred()?.uid() == geteuid().as_raw() {
        Ok(())
    } else {
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the broker is another user's",
        ))
    }
}

fn stat(path: &Path) -> Result<fs::Metadata, Error> {
    fs::symlink_metadata(path).map_err(|error| {
        let message = match error.kind() {
            io::ErrorKind::NotFound => format!("there is no `{}`", shown(path)),
            _ => format!("`{}` cannot be looked at", shown(path)),
        };
        Error::new(Code::BrokerUnreachable, message).with_next_step(START)
    })
}

fn foreign(path: &Path, what: &str) -> Error {
    Error::new(
        Code::BrokerUnreachable,
        format!("`{}` {what}, so it is not used", shown(path)),
    )
    .with_next_step("find out who made it; the broker makes its own directory with mode 0700")
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::{
            fs::{PermissionsExt as _, symlink},
            net::UnixListener,
        },
        path::Path,
    };

    use super::check_owned;

    fn directory(mode: u32) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), Permissions::from_mode(mode)).unwrap();
        directory
    }

    fn message(path: &Path) -> String {
        check_owned(path).unwrap_err().message
    }

    #[test]
    fn ours_alone_is_accepted() {
        let directory = directory(0o700);
        let path = directory.path().join("s");
        let _listener = UnixListener::bind(&path).unwrap();
        check_owned(&path).unwrap();
    }

    #[test]
    fn a_directory_open_to_others_is_refused() {
        for mode in [0o777, 0o710, 0o702] {
            let directory = directory(mode);
            let path = directory.path().join("s");
            let _listener = UnixListener::bind(&path).unwrap();
            assert!(message(&path).contains("belongs to you alone"));
        }
    }

    #[test]
    fn links_and_files_are_refused() {
        let directory = directory(0o700);
        let path = directory.path().join("s");
        let _listener = UnixListener::bind(&path).unwrap();
        let link = directory.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(message(&link).contains("not a socket of yours"));
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(message(&file).contains("not a socket of yours"));
        let elsewhere = tempfile::tempdir().unwrap();
        let linked = elsewhere.path().join("directory");
        symlink(directory.path(), &linked).unwrap();
        assert!(message(&linked.join("s")).contains("belongs to you alone"));
    }

    #[test]
    fn nothing_there_is_told() {
        let directory = directory(0o700);
        assert!(message(&directory.path().join("s")).contains("there is no"));
    }
}
