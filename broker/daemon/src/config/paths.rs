//! Where things are (XDG Base Directory Specification 0.8).

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use valetkey_core::text::printable;

use super::ConfigError;

/// The folders and files of one user's broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paths {
    /// Sockets: `$XDG_RUNTIME_DIR/valetkey`.
    pub(crate) runtime: PathBuf,
    /// The ledger: `$XDG_STATE_HOME/valetkey`, by default `~/.local/state/valetkey`.
    pub(crate) state: PathBuf,
    /// `$XDG_CONFIG_HOME/valetkey/config.toml`, by default `~/.config/valetkey/config.toml`.
    pub(crate) config: PathBuf,
}

impl Paths {
    /// Reads the environment; `config` overrides where the configuration is.
    pub(crate) fn from_environment(config: Option<&Path>) -> Result<Self, ConfigError> {
        let runtime = runtime(env::var_os("XDG_RUNTIME_DIR"))?;
        let home = || absolute("HOME").ok_or(ConfigError::NoHome);
        let state = match absolute("XDG_STATE_HOME") {
            Some(state) => state,
            None => home()?.join(".local/state"),
        };
        let config = match (config, absolute("XDG_CONFIG_HOME")) {
            (Some(file), _) => file.to_path_buf(),
            (None, Some(folder)) => folder.join("valetkey/config.toml"),
            (None, None) => home()?.join(".config/valetkey/config.toml"),
        };
        Ok(Self {
            runtime: runtime.join("valetkey"),
            state: state.join("valetkey"),
            config,
        })
    }

    /// The control socket.
    pub(crate) fn control_socket(&self) -> PathBuf {
        self.runtime.join("control.sock")
    }

    /// The database of ledger and sessions.
    pub(crate) fn database(&self) -> PathBuf {
        self.state.join("ledger.db")
    }
}

/// A relative one is told: whoever set it believes that it counts.
fn runtime(value: Option<OsString>) -> Result<PathBuf, ConfigError> {
    let value = value.filter(|value| !value.is_empty());
    let path = PathBuf::from(value.ok_or(ConfigError::NoRuntimeDir)?);
    if path.is_relative() {
        let shown = printable(&path.to_string_lossy(), 200);
        return Err(ConfigError::RelativeRuntimeDir(shown));
    }
    Ok(path)
}

/// The specification has relative paths ignored.
fn absolute(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::{ConfigError, runtime};

    #[test]
    fn a_folder_for_sockets_is_absolute() {
        assert!(runtime(Some("/run/user/7".into())).is_ok());
        for none in [None, Some("".into())] {
            assert!(matches!(runtime(none), Err(ConfigError::NoRuntimeDir)));
        }
        let error = runtime(Some("run".into())).unwrap_err().to_string();
        assert!(error.starts_with("XDG_RUNTIME_DIR is `run`, which is no absolute path"));
    }
}
