//! Variables of the environment that would loosen what an admin requires.

use std::env;

/// What the TLS roots are read from instead of the system's, where one is set.
const ROOTS: &[&str] = &["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Whoever chooses the certificate authorities can be any provider. Under requirements the admin does.
pub(super) fn redirected_roots() -> Option<String> {
    redirected(|variable| env::var_os(variable).is_some())
}

fn redirected(is_set: impl Fn(&str) -> bool) -> Option<String> {
    let variable = ROOTS.iter().find(|variable| is_set(variable))?;
    Some(format!(
        "`{variable}` is set, so certificates would not be those of the system; unset it, and have your admin name other ones in `provider.extra_ca` of the requirements"
    ))
}

#[cfg(test)]
mod tests {
    use super::redirected;

    #[test]
    fn both_variables_are_found() {
        assert!(redirected(|_| false).is_none());
        for one in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
            assert!(
                redirected(|variable| variable == one)
                    .unwrap()
                    .contains(one)
            );
        }
    }
}
