//! What the tests of this folder share.

use std::sync::Arc;

use valetkey_secret::IssuedToken;
use zeroize::Zeroizing;

use super::{Needles, Shapes};

pub(super) fn token(value: &str) -> IssuedToken {
    IssuedToken::new(Zeroizing::new(value.as_bytes().to_vec()))
}

pub(super) fn needles(values: &[&str], users: &[&str]) -> Arc<Needles> {
    let users = || users.iter().copied().map(Some).chain([None]);
    let shapes: Vec<_> = values
        .iter()
        .map(|value| token(value))
        .flat_map(|value| users().map(move |user| Shapes::of(&value, user)))
        .collect();
    Arc::new(Needles::new(&shapes).unwrap())
}
