//! Where bubblewrap is, and which.

use std::{
    env, fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::error::{Error, printable};

/// The first that has all of the options.
const SINCE: (u32, u32) = (0, 8);

/// Bubblewrap, as a program that nobody but root can have put there.
pub(crate) fn find() -> Result<PathBuf, Error> {
    let fixed = PathBuf::from("/usr/bin");
    let path = env::var_os("PATH").unwrap_or_default();
    let others: Vec<PathBuf> = env::split_paths(&path).collect();
    [fixed]
        .into_iter()
        .chain(others)
        .filter(|folder| folder.is_absolute() && is_roots(folder))
        .map(|folder| folder.join("bwrap"))
        .find(|program| program.is_file() && is_roots(program))
        .ok_or(Error::BwrapMissing)
}

/// Owned by root, and for nobody else to write.
fn is_roots(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|facts| facts.uid() == 0 && facts.mode() & 0o022 == 0)
}

/// What it calls itself, if that will do.
pub(crate) fn version(program: &Path) -> Result<String, Error> {
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .env_clear()
        .output();
    let said = output.map_or_else(
        |error| error.to_string(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    if is_enough(&said) {
        Ok(said)
    } else {
        Err(Error::BwrapTooOld(printable(&said)))
    }
}

fn is_enough(said: &str) -> bool {
    let number = said.rsplit(' ').next().unwrap_or_default();
    let mut parts = number.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= SINCE
}

#[cfg(test)]
mod tests {
    #[test]
    fn old_ones_are_told_from_new_ones() {
        for (said, enough) in [
            ("bubblewrap 0.8.0", true),
            ("bubblewrap 0.11.0", true),
            ("bubblewrap 1.0", true),
            ("bubblewrap 0.6.1", false),
            ("", false),
            ("no such file", false),
        ] {
            assert_eq!(super::is_enough(said), enough, "{said}");
        }
    }
}
