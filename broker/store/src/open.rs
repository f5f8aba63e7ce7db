//! Opening the file: whose it is, who else can write it, and how SQLite is to treat it.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::ErrorKind,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use crate::error::OpenError;

/// How long SQLite itself waits for a lock that another process holds. Short: whoever waits longer
/// does so in a loop that looks up in between.
pub(crate) const LOCK_WAIT: Duration = Duration::from_millis(50);

/// The file's real place, once it is known to be a private regular file; made if it is not there.
pub(crate) fn private_file(path: &Path) -> Result<PathBuf, OpenError> {
    let named = path
        .file_name()
        .ok_or_else(|| OpenError::NotAFile(path.to_owned()))?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let folder = folder.canonicalize().map_err(OpenError::system(folder))?;
    let mode = fs::metadata(&folder).map_err(OpenError::system(&folder))?;
    if mode.permissions().mode() & 0o022 != 0 {
        // Whoever can write the folder can put another file in this one's place.
        return Err(OpenError::Exposed(folder));
    }
    let path = folder.join(named);
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path);
    match made {
        Ok(_) => Ok(path),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => examined(path),
        Err(error) => Err(OpenError::system(&path)(error)),
    }
}

fn examined(path: PathBuf) -> Result<PathBuf, OpenError> {
    let found = fs::symlink_metadata(&path).map_err(OpenError::system(&path))?;
    if found.is_symlink() {
        return Err(OpenError::Link(path));
    }
    if !found.is_file() {
        return Err(OpenError::NotAFile(path));
    }
    let mode = found.permissions().mode();
    if mode & 0o022 != 0 {
        return Err(OpenError::Exposed(path));
    }
    if mode & 0o777 != 0o600 {
        fs::set_permissions(&path, Permissions::from_mode(0o600))
            .map_err(OpenError::system(&path))?;
    }
    Ok(path)
}

/// The one connection that writes. SQLite gives the WAL the permissions of the file.
pub(crate) fn for_writing(path: &Path) -> Result<Connection, OpenError> {
    let db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW,
    )?;
    harden(&db)?;
    db.busy_timeout(LOCK_WAIT)?;
    db.set_prepared_statement_cache_capacity(32);
    Ok(db)
}

/// Sets how it is written, once it is known to be ours.
pub(crate) fn tune(db: &Connection) -> Result<(), OpenError> {
    db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    // An acknowledged record survives a power cut, not only the end of the process.
    db.pragma_update(None, "synchronous", "full")?;
    Ok(())
}

/// A connection that reads.
pub(crate) fn for_reading(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW,
    )?;
    harden(&db)?;
    db.busy_timeout(LOCK_WAIT)?;
    Ok(db)
}

/// Whoever edited the file cannot make it run anything.
fn harden(db: &Connection) -> rusqlite::Result<()> {
    for (setting, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
    ] {
        db.set_db_config(setting, on)?;
    }
    Ok(())
}
