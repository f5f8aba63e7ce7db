//! What the configuration says of a messenger.

use std::{path::PathBuf, time::Duration};

use valetkey_core::SecretName;
use valetkey_web::TrustError;

/// A server that carries questions to people.
#[derive(Clone, Debug)]
pub struct WebhookConfig {
    /// Where questions are posted. https, or http on loopback.
    pub url: String,
    /// Under which name the shared secret was stored with `valetkey secret add`: `whsec_` and the
    /// base64 of 24 to 64 random bytes, as Standard Webhooks writes it.
    pub secret: SecretName,
    /// How long one request may take.
    pub deadline: Duration,
    /// Whether answers may come back this way. Otherwise questions are carried out, and that is all.
    pub may_answer: bool,
    /// A PEM file with certificates to trust beside the system's.
    pub extra_ca: Option<PathBuf>,
}

/// A messenger that cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The address is not one that may be spoken to.
    #[error("`approvals.webhook.url` cannot be used: {0}")]
    Url(#[from] valetkey_web::BadAddress),
    /// Certificates cannot be read.
    #[error("`approvals.webhook.extra_ca` cannot be used: {0}")]
    ExtraCa(#[from] TrustError),
}
