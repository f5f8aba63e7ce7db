//! Nobody but the judge says that a request needs an approval.

use valetkey_core::request::Pending;

fn main() {
    let _forge = Pending::new;
}
