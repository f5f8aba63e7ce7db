//! The authority of one session: it vouches to that sandbox, and to nobody else, for the hosts that are
//! looked into.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use valetkey_core::{Deadline, Moment, network::HostName};
use zeroize::Zeroizing;

/// Most hosts whose certificates are kept.
const KEPT: usize = 256;
/// How long certificates are valid where the session's end is not known, in seconds.
const LIFE: u64 = 30 * 86_400;
/// How far clocks may differ, in seconds.
const SKEW: u64 = 3600;

static ALGORITHM: &rcgen::SignatureAlgorithm = &rcgen::PKCS_ECDSA_P256_SHA256;

/// What may be negotiated inside: HTTP/2 and HTTP/1.1 (RFC 7301).
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthorityError {
    #[error("a certificate could not be made: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("tls cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// Certificate and key of the authority, and what it has vouched for. Its key is in memory, and sealed in the
/// launcher's ticket.
pub(crate) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
    from: u64,
    until: u64,
    leaves: Mutex<Leaves>,
}

#[derive(Default)]
struct Leaves {
    by_host: HashMap<HostName, Arc<ServerConfig>>,
    order: VecDeque<HostName>,
}

impl Authority {
    /// A new authority, valid until the session ends.
    pub(crate) fn new(now: Moment, ends: Option<Deadline>) -> Result<Self, AuthorityError> {
        let now = now.unix_seconds();
        let until = ends.map_or(now.saturating_add(LIFE), |ends| {
            (ends.unix_ms / 1000).saturating_add(SKEW)
        });
        let key = KeyPair::generate_for(ALGORITHM)?;
        Self::with(key, now.saturating_sub(SKEW), until)
    }

    /// One that was there before: with this key, which [`key`](Self::key) gave.
    pub(crate) fn again(
        key: Zeroizing<Vec<u8>>,
        from: u64,
        until: u64,
    ) -> Result<Self, AuthorityError> {
        let key = PrivatePkcs8KeyDer::from(key.as_slice());
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, ALGORITHM)?;
        Self::with(key, from, until)
    }

    fn with(key: KeyPair, from: u64, until: u64) -> Result<Self, AuthorityError> {
        let mut params = certificate("valetkey session", from, until);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key)?.pem();
        Ok(Self {
            pem,
            issuer: Issuer::new(params, key),
            from,
            until,
            leaves: Mutex::default(),
        })
    }

    /// Its key, in PKCS#8.
    pub(crate) fn key(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.issuer.key().serialize_der())
    }

    /// From when on it vouches, and until when, in seconds of the Unix epoch.
    pub(crate) const fn validity(&self) -> (u64, u64) {
        (self.from, self.until)
    }

    /// The certificate that the sandbox trusts, in PEM.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// How a server that is `host` speaks TLS.
    pub(crate) fn leaf(&self, host: &HostName) -> Result<Arc<ServerConfig>, AuthorityError> {
        if let Some(config) = self.locked().by_host.get(host) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.mint(host)?);
        let mut leaves = self.locked();
        if leaves.order.len() >= KEPT
            && let Some(oldest) = leaves.order.pop_front()
        {
            leaves.by_host.remove(&oldest);
        }
        let before = leaves.by_host.insert(host.clone(), Arc::clone(&config));
        if before.is_none() {
            leaves.order.push_back(host.clone());
        }
        Ok(config)
    }

    fn mint(&self, host: &HostName) -> Result<ServerConfig, AuthorityError> {
        let mut params = certificate(host.as_str(), self.from, self.until);
        // A common name has at most 64 characters (RFC 5280 appendix A.1); the host is in the SAN.
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.subject_alt_names =
            CertificateParams::new([host.as_str().to_owned()])?.subject_alt_names;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate_for(ALGORITHM)?;
        let leaf = params.signed_by(&key, &self.issuer)?;
        let secret = Zeroizing::new(key.serialize_der());
        let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(secret.to_vec()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], secret)?;
        config.alpn_protocols = ALPN.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(config)
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Leaves> {
        self.leaves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn certificate(name: &str, from: u64, until: u64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(from);
    params.not_after = epoch + Duration::from_secs(until);
    params
}
