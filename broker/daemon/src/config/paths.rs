//! Where things are (XDG Base Directory Specification 0.8).

use std::{
    env,
    path::{Path, PathBuf},
};

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
        let runtime = absolute("XDG_RUNTIME_DIR").ok_or(ConfigError::NoRuntimeDir)?;
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

/// The specification has relative paths ignored.
fn absolute(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}
