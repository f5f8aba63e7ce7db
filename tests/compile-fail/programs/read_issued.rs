//! A token that is issued and not yet recorded cannot be read.

use valetkey_core::request::Issued;

fn by_accessor(issued: &Issued) {
    let _token = issued.token();
}

fn by_field(issued: Issued) {
    let _token = issued.token;
}

fn main() {}
