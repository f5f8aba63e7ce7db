//! What the configuration says of a reviewer.

use std::{path::PathBuf, time::Duration};

use valetkey_core::SecretName;
use valetkey_web::TrustError;

/// A program of this machine.
#[derive(Clone, Debug)]
pub struct CommandConfig {
    /// What policies and requirements call it.
    pub name: String,
    /// The absolute path of an executable, and its arguments. It and every folder above it belong to
    /// root or to the user of the broker, and nobody else can write to them.
    pub command: Vec<String>,
    /// How long it may take.
    pub deadline: Duration,
}

/// A server that speaks OpenAI's chat completions.
#[derive(Clone, Debug)]
pub struct ChatConfig {
    /// What policies and requirements call it.
    pub name: String,
    /// Where its API begins, such as `https://api.example.test/v1`. https, or http on loopback.
    pub url: String,
    /// Which model is asked.
    pub model: String,
    /// Under which name its key was stored with `valetkey secret add`; a server of this machine may
    /// need none.
    pub key: Option<SecretName>,
    /// How long it may take, the keyring included.
    pub deadline: Duration,
    /// A PEM file with certificates to trust beside the system's.
    pub extra_ca: Option<PathBuf>,
}

/// A reviewer that cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The program is not one that may be run.
    #[error("`reviewer.command` cannot be used: {0}")]
    Command(String),
    /// The address is not one that may be spoken to.
    #[error("`reviewer.url` cannot be used: {0}")]
    Url(#[from] valetkey_web::BadAddress),
    /// Certificates cannot be read.
    #[error("`reviewer.extra_ca` cannot be used: {0}")]
    ExtraCa(#[from] TrustError),
}
