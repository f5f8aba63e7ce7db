//! Variables of the environment that would loosen what an admin requires.

use std::{env, ffi::OsString, path::Path};

/// What the TLS roots are read from instead of the system's, where one is set.
const ROOTS: &[&str] = &["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Whoever chooses the certificate authorities can be any provider, so under requirements a variable
/// may only lead to what others could not have changed. `vet` says why they could have.
pub(super) fn redirected_roots(vet: impl Fn(&Path) -> Option<String>) -> Option<String> {
    redirected(|variable| env::var_os(variable), vet)
}

fn redirected(
    value: impl Fn(&str) -> Option<OsString>,
    vet: impl Fn(&Path) -> Option<String>,
) -> Option<String> {
    ROOTS.iter().find_map(|variable| {
        let value = value(variable)?;
        // The folders of `SSL_CERT_DIR` are apart by colons.
        let why = env::split_paths(&value).find_map(|path| vet(&path))?;
        Some(format!(
            "`{variable}` is set, and {why}; unset it, and have your admin name other certificates in `provider.extra_ca` of the requirements"
        ))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::redirected;

    #[test]
    fn only_what_others_could_not_change_may_be_led_to() {
        let vet = |path: &Path| (!path.starts_with("/etc")).then(|| "it is anybody's".to_owned());
        for (one, value, refused) in [
            ("SSL_CERT_FILE", "/etc/ssl/ca.pem", false),
            ("SSL_CERT_FILE", "/opt/mine/ca.pem", true),
            ("SSL_CERT_DIR", "/etc/ssl/certs", false),
            ("SSL_CERT_DIR", "/etc/ssl/certs:/opt/mine/certs", true),
            ("SSL_CERT_OTHER", "/opt/mine/ca.pem", false),
        ] {
            let found = redirected(|variable| (variable == one).then(|| value.into()), vet);
            assert_eq!(
                found.is_some_and(|text| text.contains(one)),
                refused,
                "{one}={value}"
            );
        }
    }
}
