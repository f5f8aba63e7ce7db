//! Why the broker does not serve.

use std::{io, net::SocketAddr};

use valetkey_core::{Refusal, ports::PolicyError};
use valetkey_host::{InstanceError, PrivateError};

/// Why the broker does not serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The system refused something.
    #[error("{0}")]
    System(#[from] io::Error),
    /// Another broker of this user runs.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// A folder or a socket is not private.
    #[error(transparent)]
    Private(#[from] PrivateError),
    /// The ledger cannot be opened.
    #[error(transparent)]
    Store(#[from] valetkey_store::OpenError),
    /// The policies are not valid.
    #[error("{0}")]
    Policy(#[from] PolicyError),
    /// The admin's requirements are older than what was accepted before.
    #[error(transparent)]
    Requirements(#[from] crate::config::ConfigError),
    /// The certificates that the proxy trusts cannot be read.
    #[error("`network.extra_ca`: {0}; correct the configuration")]
    Egress(#[from] valetkey_egress::UpstreamError),
    /// The reviewer's section cannot be used.
    #[error("{0}; correct the configuration")]
    Reviewer(#[from] valetkey_reviewer::ConfigError),
    /// The messengers' section cannot be used.
    #[error("{0}; correct the configuration")]
    Messenger(#[from] valetkey_messenger::ConfigError),
    /// The provider's section cannot be used.
    #[error(transparent)]
    Provider(#[from] valetkey_oidc::ConfigError),
    /// The metadata cannot be served.
    #[error("`tokens.listen`: nothing can be served on {address}: {error}; choose another port")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// What earlier runs left cannot be taken up.
    #[error("{0}")]
    Restore(String),
}

/// What earlier runs left could not be taken up.
impl From<Refusal> for StartError {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.detail().map(|detail| format!(": {detail}"));
        Self::Restore(format!(
            "{}{}",
            refusal.message(),
            detail.unwrap_or_default()
        ))
    }
}
