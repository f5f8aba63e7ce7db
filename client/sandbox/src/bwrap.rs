//! Where bubblewrap is, and which.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    error::{Error, printable},
    program,
};

/// The first that has all of the options.
const SINCE: (u32, u32) = (0, 8);

pub(crate) fn find() -> Result<PathBuf, Error> {
    program::of_root("bwrap").ok_or(Error::BwrapMissing)
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
