//! Whether `config.toml` still says what the broker does.

use std::{fs, path::PathBuf};

use valetkey_core::{
    doctor::{Finding, Health},
    ports::Watched,
};

/// The file as it was when the broker began.
pub(crate) struct AsRead {
    path: PathBuf,
    text: Option<String>,
}

impl AsRead {
    /// Reads it. One that is not there, or cannot be read, may be so as well.
    pub(crate) fn new(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).ok();
        Self { path, text }
    }
}

impl Watched for AsRead {
    fn finding(&self) -> Finding {
        const NAME: &str = "configuration";
        let path = self.path.display();
        if fs::read_to_string(&self.path).ok() == self.text {
            return Finding::well(NAME, format!("{path}, as the broker read it"));
        }
        Finding::ailing(
            NAME,
            Health::Care,
            format!("{path} was changed since the broker read it"),
            "look at it with `valetkeyd --check-config`, then restart the broker: `systemctl --user restart valetkeyd`",
        )
    }
}
