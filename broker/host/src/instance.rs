//! One broker per user.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::{fs::OFlags, process::geteuid};

/// Why this process is not the one broker.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// Another is.
    #[error(
        "a broker runs already (process {holder}); use that one, or end it with `kill {holder}` first"
    )]
    Running {
        /// Its process id, as it wrote it down; `unknown` in the moment before it has.
        holder: String,
    },
    /// The lock file cannot be used.
    #[error("the lock file `{}` cannot be used: {error}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// Held for as long as this process is the one broker of its user. The kernel gives it back when the
/// process ends, however it ends; the file stays, because removing it would let two processes lock
/// two files of the same name.
#[derive(Debug)]
pub struct InstanceLock {
    _file: File,
}

impl InstanceLock {
    /// Takes the lock, or says at once who has it. `path` lies in a [`private_dir`](crate::private_dir).
    ///
    /// # Errors
    /// [`InstanceError::Running`] where another process holds it, [`InstanceError::Unusable`] where
    /// the file is a symbolic link, another user's, or cannot be written.
    pub fn acquire(path: &Path) -> Result<Self, InstanceError> {
        let unusable = |error| InstanceError::Unusable {
            path: path.to_owned(),
            error,
        };
        let mut file = open(path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(InstanceError::Running {
                    holder: holder(&mut file),
                });
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        write_down(&mut file).map_err(unusable)?;
        Ok(Self { _file: file })
    }
}

fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)?;
    let facts = file.metadata()?;
    if !facts.is_file() || facts.uid() != geteuid().as_raw() {
        return Err(io::Error::other("it is not a file of this user"));
    }
    Ok(file)
}

fn write_down(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())
}

/// What the holder wrote, if it is a number.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(16).read_to_string(&mut text);
    let pid = read.ok().and_then(|_| text.trim().parse::<u32>().ok());
    pid.map_or_else(|| "unknown".to_owned(), |pid| pid.to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::{InstanceError, InstanceLock};

    #[test]
    fn the_second_is_told_who_the_first_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = InstanceLock::acquire(&path).unwrap();
        let second = InstanceLock::acquire(&path).unwrap_err();
        let me = std::process::id().to_string();
        assert!(matches!(&second, InstanceError::Running { holder } if *holder == me));
        assert!(second.to_string().contains(&format!("`kill {me}`")));
        drop(first);
        InstanceLock::acquire(&path).unwrap();
    }

    #[test]
    fn what_a_crashed_broker_left_behind_does_not_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        std::fs::write(&path, "4194304999\n").unwrap();
        let _lock = InstanceLock::acquire(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
    }

    #[test]
    fn a_link_is_refused_and_its_target_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("lock"));
        std::fs::write(&target, "precious").unwrap();
        symlink(&target, &link).unwrap();
        let error = InstanceLock::acquire(&link).unwrap_err();
        assert!(matches!(error, InstanceError::Unusable { .. }));
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
    }
}
