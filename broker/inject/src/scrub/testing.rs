//! What the tests of this folder share.

use std::sync::Arc;

use valetkey_secret::IssuedToken;
use zeroize::Zeroizing;

use super::Needles;

pub(super) fn token(value: &str) -> IssuedToken {
    IssuedToken::new(Zeroizing::new(value.as_bytes().to_vec()))
}

pub(super) fn needles(values: &[&str], users: &[&str]) -> Arc<Needles> {
    let values: Vec<_> = values.iter().map(|value| token(value)).collect();
    Arc::new(Needles::new(&values, users.iter().copied()).unwrap())
}
