//! Whom the programs in a room believe: whom the host believes, and the proxy of the broker.

mod java;

use std::{fs, path::Path};

use rustls_pki_types::{CertificateDer, pem::PemObject as _};

use crate::{
    error::{Error, os},
    options::Options,
};

const ALL: &str = "/run/valetkey-ca/bundle.pem";
const PROXY_ALONE: &str = "/run/valetkey-ca/ca.pem";
pub(crate) const FOR_JAVA: &str = "/run/valetkey-ca/trust.jks";

/// Where distributions keep all certificates in one file. The first is what most programs read that heed
/// no variable.
const OF_THE_HOST: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// By these a program takes a file in place of the system's.
const INSTEAD: &[&str] = &[
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
    "AWS_CA_BUNDLE",
    "NPM_CONFIG_CAFILE",
    "DENO_CERT",
];

/// The files and the variables for an authority (PEM).
pub(crate) fn add(options: &mut Options, authority: &str) -> Result<(), Error> {
    let host = OF_THE_HOST.iter().find(|path| Path::new(path).is_file());
    CertificateDer::from_pem_slice(authority.as_bytes())
        .map_err(|_| Error::Plan("an authority that is no certificate"))?;
    let mut bundle = match host {
        Some(path) => fs::read(path).map_err(os("reading the certificates of the host"))?,
        None => Vec::new(),
    };
    if !bundle.is_empty() && !bundle.ends_with(b"\n") {
        bundle.push(b'\n');
    }
    bundle.extend(authority.as_bytes());
    // What is none is nothing to a program that reads the bundle, and so it is to Java.
    let all: Vec<_> = CertificateDer::pem_slice_iter(&bundle)
        .filter_map(Result::ok)
        .collect();
    options.copy(&java::store(&all), Path::new(FOR_JAVA))?;
    options.copy(&bundle, Path::new(ALL))?;
    options.copy(authority.as_bytes(), Path::new(PROXY_ALONE))?;
    if let Some(path) = host
        // The kernel mounts on what a link leads to, which need not be in the room.
        && fs::symlink_metadata(path).is_ok_and(|facts| facts.is_file())
    {
        options.file(&bundle, Path::new(path))?;
    }
    for name in INSTEAD {
        options.variable(name, ALL);
    }
    options.variable("NODE_EXTRA_CA_CERTS", PROXY_ALONE);
    Ok(())
}
