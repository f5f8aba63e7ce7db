//! Without a receipt nothing is released, and an error of the ledger is not one.

use valetkey_core::{
    ports::{LedgerError, Receipt},
    request::Issued,
};

fn without(issued: Issued) {
    let _released = issued.release();
}

fn with_whatever_came(issued: Issued, answer: &Result<Receipt, LedgerError>) {
    let _released = issued.release(answer);
}

fn main() {}
