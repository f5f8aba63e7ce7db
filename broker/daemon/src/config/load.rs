//! From a path to a checked configuration.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use valetkey_core::text::printable;

use super::{Config, check, file::File};

/// How alike two keys must be for one to be offered for the other (Jaro-Winkler).
const ALIKE: f64 = 0.7;

/// Why there is no configuration to start with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// No place for sockets.
    #[error(
        "XDG_RUNTIME_DIR is not set; log in through a session that sets it, or set it to a folder of your own with mode 0700, such as /run/user/UID"
    )]
    NoRuntimeDir,
    /// No place for state.
    #[error("HOME is not set")]
    NoHome,
    /// There is no such file.
    #[error(
        "there is no `{0}`; write it with at least\n\n[provider]\nissuer = \"https://login.example.com\"\nclient_id = \"valetkey\"\n\nand see docs/operations.md for every key"
    )]
    Missing(PathBuf),
    /// It cannot be read.
    #[error("`{path}` cannot be read: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Somebody else could have written it.
    #[error("`{0}` can be written by others; run `chmod go-w` on it and look at what it says")]
    Exposed(PathBuf),
    /// It is not well formed.
    #[error("`{path}`: {message}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and, for an unknown key, the nearest known one.
        message: String,
    },
}

/// Reads and checks the configuration.
pub(crate) fn load(path: &Path) -> Result<Config, ConfigError> {
    let text = read(path)?;
    let invalid = |message| ConfigError::Invalid {
        path: path.to_path_buf(),
        message,
    };
    let file: File = toml::from_str(&text).map_err(|error| invalid(describe(&error, &text)))?;
    check::check(file).map_err(invalid)
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => ConfigError::Missing(path.to_path_buf()),
        _ => ConfigError::Unreadable {
            path: path.to_path_buf(),
            error,
        },
    };
    let mode = fs::metadata(path).map_err(unreadable)?.mode();
    if mode & 0o022 != 0 {
        return Err(ConfigError::Exposed(path.to_path_buf()));
    }
    fs::read_to_string(path).map_err(unreadable)
}

fn describe(error: &toml::de::Error, text: &str) -> String {
    let line = error
        .span()
        .and_then(|span| text.get(..span.start))
        .map(|before| before.matches('\n').count() + 1);
    let message = printable(error.message(), 600);
    let message = nearest(&message).unwrap_or(message);
    match line {
        Some(line) => format!("line {line}: {message}"),
        None => message,
    }
}

/// For serde's "unknown field `x`, expected one of `a`, `b`": the sentence with the nearest known key.
fn nearest(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = quoted.next().filter(|_| message.starts_with("unknown "))?;
    let best = quoted
        .map(|known| (known, strsim::jaro_winkler(unknown, known)))
        .max_by(|one, other| one.1.total_cmp(&other.1));
    Some(match best {
        Some((known, alike)) if alike >= ALIKE => {
            format!("unknown key `{unknown}`; did you mean `{known}`?")
        }
        _ => format!("unknown key `{unknown}`; docs/operations.md lists every key"),
    })
}

#[cfg(test)]
mod tests {

    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::{ConfigError, load};

    const MINIMAL: &str = "[provider]\nissuer = \"https://id.example.test\"\nclient_id = \"vk\"\n";

    fn loaded(text: &str) -> Result<super::Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        load(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn a_minimal_file_is_enough() {
        let config = loaded(MINIMAL).unwrap();
        assert_eq!(config.tokens.issuer_for(8425), "http://127.0.0.1:8425");
    }

    #[test]
    fn an_unknown_key_names_its_neighbour() {
        let error = loaded(&format!("{MINIMAL}isuer = \"x\"\n")).unwrap_err();
        assert!(error.contains("line 4"), "{error}");
        assert!(
            error.contains("unknown key `isuer`; did you mean `issuer`?"),
            "{error}"
        );
        let error = loaded(&format!("[sesion]\n{MINIMAL}")).unwrap_err();
        assert!(error.contains("did you mean `session`?"), "{error}");
        let error = loaded(&format!("{MINIMAL}[zzz]\n")).unwrap_err();
        assert!(error.contains("docs/operations.md"), "{error}");
    }

    #[test]
    fn a_file_that_others_can_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, MINIMAL).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o622)).unwrap();
        assert!(matches!(load(&path), Err(ConfigError::Exposed(_))));
    }

    #[test]
    fn a_missing_file_tells_how_to_begin() {
        let error = load("/nonexistent/config.toml".as_ref()).unwrap_err();
        assert!(error.to_string().contains("[provider]"));
    }

    #[test]
    fn what_cannot_hold_is_refused() {
        for (text, says) in [
            ("[tokens]\nlisten = \"0.0.0.0:1\"\n", "loopback"),
            (
                "[tokens]\nissuer = \"http://broker.example.test\"\n",
                "https",
            ),
            (
                "[session]\nlifetime = \"2d\"\nmax_lifetime = \"1d\"\n",
                "max_lifetime",
            ),
            ("[session]\nlifetime = \"0s\"\n", "above 0"),
            (
                "[credentials.api]\nsource = \"signed\"\nscopes = [\"a\"]\naudiences = []\n",
                "audience",
            ),
            (
                "[credentials.api]\nsource = \"signed\"\nscopes = [\"a\"]\naudiences = [\"x\"]\nmax_lifetime = \"2h\"\n",
                "1h",
            ),
            ("[limits]\nrequests_per_second = 0\n", "requests_per_second"),
            ("grace = \"2d\"\n", "`provider.grace` must be between"),
        ] {
            let error = loaded(&format!("{MINIMAL}{text}")).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
