//! How one value may come back.

use std::sync::Arc;

use valetkey_secret::{Destination, IssuedToken};

use super::forms::{Form, forms};

/// Every form of one value, in lower case: made once, and shared by every search that is built with it. Wiped
/// when the last of those is gone.
pub struct Shapes(Vec<Arc<Form>>);

impl Shapes {
    /// Of `value`, which may have been sent as the password of `user`. Of an empty one there are none.
    pub fn of(value: &IssuedToken, user: Option<&str>) -> Self {
        let all = value.disclose(Destination::EgressScrub, |value| {
            forms(value, user.into_iter())
        });
        let lower = |mut form: Form| {
            form.make_ascii_lowercase();
            Arc::new(form)
        };
        Self(all.into_iter().map(lower).collect())
    }

    pub(super) fn forms(&self) -> impl Iterator<Item = &Arc<Form>> {
        self.0.iter()
    }
}
