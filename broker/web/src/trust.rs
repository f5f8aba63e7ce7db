//! Whose certificates count.

use std::{fmt::Display, path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// Why no certificate could be believed.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The extra certificates cannot be read: which file and why.
    #[error("{0}")]
    ExtraCa(String),
    /// The system has no root certificates, so nobody could be believed.
    #[error("the system has no root certificates; install `ca-certificates`, or name a file")]
    NoRoots,
    /// TLS cannot be set up.
    #[error("tls cannot be set up: {0}")]
    Tls(String),
}

/// The provider of rustls is named here, because the process default may not be installed. Without
/// `system`, only the extra certificates count: whoever speaks to this machine's loopback needs none,
/// and a hundred certificates are not small.
pub(crate) fn tls(system: bool, extra: Option<&Path>) -> Result<ClientConfig, TrustError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TrustError::Tls(error.to_string()))?;
    Ok(builder
        .with_root_certificates(roots(system, extra)?)
        .with_no_client_auth())
}

fn roots(system: bool, extra: Option<&Path>) -> Result<RootCertStore, TrustError> {
    let mut roots = RootCertStore::empty();
    if system {
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
    }
    if let Some(path) = extra {
        add_pem(&mut roots, path)?;
    }
    if system && roots.is_empty() {
        return Err(TrustError::NoRoots);
    }
    Ok(roots)
}

fn add_pem(roots: &mut RootCertStore, path: &Path) -> Result<(), TrustError> {
    let bad = |why: &dyn Display| TrustError::ExtraCa(format!("`{}`: {why}", path.display()));
    let pem = CertificateDer::pem_file_iter(path).map_err(|error| bad(&error))?;
    let before = roots.len();
    for certificate in pem {
        let certificate = certificate.map_err(|error| bad(&error))?;
        roots.add(certificate).map_err(|error| bad(&error))?;
    }
    if roots.len() == before {
        return Err(bad(&"it holds no certificate"));
    }
    Ok(())
}
