//! The store of certificates that Java reads, which no other format of theirs can be in: JKS version 2, as
//! `sun.security.provider.JavaKeyStore` of OpenJDK reads and writes it.

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use rustls_pki_types::CertificateDer;

const MAGIC: u32 = 0xFEED_FEED;
const VERSION: u32 = 2;
/// Of an entry that is a certificate and no key.
const TRUSTED: u32 = 2;
/// What everybody's has, and nobody keeps a secret with. It only says that the file is whole.
const PASSWORD: &str = "changeit";
const SALT: &[u8] = b"Mighty Aphrodite";

/// The store of these certificates. Java needs no password to read it.
pub(super) fn store(certificates: &[CertificateDer<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for number in [MAGIC, VERSION, length(certificates.len())] {
        out.extend(number.to_be_bytes());
    }
    for (index, certificate) in certificates.iter().enumerate() {
        out.extend(TRUSTED.to_be_bytes());
        text(&mut out, &format!("ca-{index}"));
        // When it was put in, in milliseconds since 1970.
        out.extend(0_u64.to_be_bytes());
        text(&mut out, "X.509");
        out.extend(length(certificate.len()).to_be_bytes());
        out.extend(certificate.as_ref());
    }
    let mut digest = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    for unit in PASSWORD.encode_utf16() {
        digest.update(&unit.to_be_bytes());
    }
    digest.update(SALT);
    digest.update(&out);
    out.extend(digest.finish().as_ref());
    out
}

fn text(out: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.extend(length.to_be_bytes());
    out.extend(text.as_bytes());
}

fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use rustls_pki_types::{CertificateDer, pem::PemObject as _};

    use super::store;

    /// Its own tool reads it, and finds it whole.
    #[test]
    fn java_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let (key, pem) = ("/dev/null", folder.path().join("ca.pem"));
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
            ])
            .args([
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=a proxy",
                "-keyout",
                key,
                "-out",
            ])
            .arg(&pem)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let pem = fs::read(pem).unwrap();
        let certificate = CertificateDer::from_pem_slice(&pem).unwrap();
        let path = folder.path().join("trust.jks");
        fs::write(&path, store(&[certificate.clone(), certificate])).unwrap();
        let listed = Command::new("keytool")
            .args(["-list", "-v", "-storepass", "changeit", "-keystore"])
            .arg(&path)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&listed.stdout);
        assert!(listed.status.success(), "{said}");
        assert!(said.contains("Keystore type: JKS"), "{said}");
        assert!(said.contains("contains 2 entries"), "{said}");
        assert_eq!(said.matches("Owner: CN=a proxy").count(), 2, "{said}");
    }
}
