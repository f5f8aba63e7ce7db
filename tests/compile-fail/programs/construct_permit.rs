//! Nobody but the judge calls a permit's constructor.

use valetkey_core::request::Permit;

fn main() {
    let _forge = Permit::new;
}
