//! Whether a program may be run by the broker.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustix::process::geteuid;

const EXECUTABLE: u32 = 0o111;
const WRITABLE_BY_OTHERS: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// Where the program really is, links resolved. Nobody but root and the user of the broker can change
/// it, nor put something else in its place: that holds for every folder above it, too.
///
/// # Errors
/// A sentence for whoever configured it.
pub(crate) fn trusted(path: &Path) -> Result<PathBuf, String> {
    let shown = path.display();
    if !path.is_absolute() {
        return Err(format!("`{shown}` is not an absolute path"));
    }
    let real = fs::canonicalize(path).map_err(|error| format!("`{shown}`: {error}"))?;
    let about = look(&real)?;
    if !about.is_file() || about.mode() & EXECUTABLE == 0 {
        return Err(format!("`{shown}` is not an executable file"));
    }
    if about.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err(writable(&real));
    }
    for folder in real.ancestors().skip(1) {
        let mode = look(folder)?.mode();
        // In a folder such as `/tmp`, people can only replace what is theirs.
        if mode & WRITABLE_BY_OTHERS != 0 && mode & STICKY == 0 {
            return Err(writable(folder));
        }
    }
    Ok(real)
}

/// What is there, where it belongs to the right people.
fn look(path: &Path) -> Result<Metadata, String> {
    let shown = path.display();
    let about = fs::symlink_metadata(path).map_err(|error| format!("`{shown}`: {error}"))?;
    if about.uid() == 0 || about.uid() == geteuid().as_raw() {
        Ok(about)
    } else {
        Err(format!(
            "`{shown}` belongs to user {}; give it to root with `chown root`",
            about.uid()
        ))
    }
}

fn writable(path: &Path) -> String {
    let shown = path.display();
    format!("`{shown}` can be written by others; run `chmod go-w {shown}`")
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::{PermissionsExt as _, symlink},
        path::Path,
    };

    use super::trusted;

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_program_of_ones_own_is_trusted_by_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        fs::write(&program, "#!/bin/sh\n").unwrap();
        set(&program, 0o700);
        let real = fs::canonicalize(&program).unwrap();
        assert_eq!(trusted(&program), Ok(real.clone()));
        let link = folder.path().join("link");
        symlink(&program, &link).unwrap();
        assert_eq!(trusted(&link), Ok(real));
        assert!(trusted(Path::new("/bin/sh")).is_ok());
    }

    #[test]
    fn what_others_could_change_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let program = inner.join("program");
        fs::write(&program, "#!/bin/sh\n").unwrap();
        let refused = |words: &str| {
            let why = trusted(&program).unwrap_err();
            assert!(why.contains(words), "{why}");
        };
        set(&program, 0o600);
        refused("is not an executable file");
        for mode in [0o720, 0o702, 0o777] {
            set(&program, mode);
            refused("can be written by others");
        }
        set(&program, 0o700);
        for mode in [0o770, 0o707] {
            set(&inner, mode);
            refused("inner` can be written by others");
        }
        set(&inner, 0o700);
        assert!(trusted(&program).is_ok());
        let folder = trusted(&inner).unwrap_err();
        assert!(folder.contains("is not an executable file"), "{folder}");
    }

    #[test]
    fn what_is_not_there_is_told() {
        assert!(trusted(Path::new("sh")).unwrap_err().contains("absolute"));
        let missing = trusted(Path::new("/nowhere/at/all")).unwrap_err();
        assert!(missing.contains("/nowhere/at/all"), "{missing}");
        assert!(trusted(Path::new("/dev/null")).is_err());
    }
}
