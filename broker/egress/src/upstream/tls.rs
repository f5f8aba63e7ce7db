//! Whose certificates count on the other leg.

use std::{fmt::Display, path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// Why no certificate could be believed.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The extra certificates cannot be read: which file and why.
    #[error("{0}")]
    ExtraCa(String),
    /// TLS cannot be set up.
    #[error("tls cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// How TLS is spoken to origins: for clients that spoke HTTP/2, and for those that did not.
pub(crate) struct Trust {
    pub(super) either: Arc<ClientConfig>,
    pub(super) http1: Arc<ClientConfig>,
    extra_pem: String,
}

impl Trust {
    /// The system's certificates and those in the file. A machine without certificates still forwards in
    /// the clear; each connection over TLS then fails by itself.
    pub(crate) fn new(extra: Option<&Path>) -> Result<Self, UpstreamError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let (roots, extra_pem) = roots(extra)?;
        let base = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let speaking = |protocols: &[&[u8]]| {
            let mut config = base.clone();
            config.alpn_protocols = protocols.iter().map(|one| one.to_vec()).collect();
            Arc::new(config)
        };
        Ok(Self {
            either: speaking(&[b"h2", b"http/1.1"]),
            http1: speaking(&[b"http/1.1"]),
            extra_pem,
        })
    }

    /// What the file says, and nothing else that may stand in it: a sandbox that reaches a host directly
    /// trusts the same.
    pub(crate) fn extra_pem(&self) -> &str {
        &self.extra_pem
    }
}

/// All that count, and those of the file once more as PEM.
fn roots(extra: Option<&Path>) -> Result<(RootCertStore, String), UpstreamError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let mut pem = String::new();
    let Some(path) = extra else {
        return Ok((roots, pem));
    };
    let bad = |why: &dyn Display| UpstreamError::ExtraCa(format!("`{}`: {why}", path.display()));
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| bad(&error))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| bad(&error))?;
        pem.push_str(&pem::encode(&pem::Pem::new(
            "CERTIFICATE",
            certificate.to_vec(),
        )));
        roots.add(certificate).map_err(|error| bad(&error))?;
    }
    if pem.is_empty() {
        return Err(bad(&"it holds no certificate"));
    }
    Ok((roots, pem))
}
