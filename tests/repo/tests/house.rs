//! The house is in order.

#![expect(clippy::expect_used, reason = "a check that cannot be made has failed")]

use std::{
    env, fs,
    io::{self, Write as _},
};

use valetkey_repo::{
    House, arrows, clocks, errors, links, lock, proofs, reasons, sizes::Sizes, traces,
};

fn house() -> House {
    House::open().expect("the repository")
}

#[track_caller]
fn in_order(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n  {}\n", wrong.join("\n  "));
}

#[test]
fn crates_know_only_what_they_may() {
    let house = house();
    assert!(house.manifests().len() > 10, "the crates are found");
    in_order(&arrows::check(&house));
}

#[test]
fn ring_is_the_one_crypto_provider() {
    in_order(&lock::check(&house()).expect("the lock file"));
}

#[test]
fn files_are_small() {
    let sizes = Sizes::of(&house()).expect("the sources");
    let told = writeln!(
        io::stderr(),
        "{} files outside tests, lines: median {}, 95th percentile {}",
        sizes.files(),
        sizes.median(),
        sizes.p95()
    );
    told.expect("stderr");
    in_order(&sizes.check());
}

#[test]
fn links_in_documents_lead_somewhere() {
    in_order(&links::check(&house()).expect("the documents"));
}

#[test]
fn tests_that_documents_name_are_there() {
    in_order(&proofs::check(&house()).expect("the documents"));
}

#[test]
fn every_dependency_has_its_reason() {
    in_order(&reasons::check(&house()).expect("the reasons"));
}

#[test]
fn no_file_speaks_of_the_machine_it_was_written_on() {
    in_order(&traces::check(&house()).expect("the files"));
}

#[test]
fn time_and_randomness_have_one_door() {
    in_order(&clocks::check(&house()).expect("the sources"));
}

#[test]
fn the_errors_that_are_documented_are_the_errors_there_are() {
    let path = house().path(errors::FILE);
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, errors::document()).expect("the document is written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == errors::document(),
        "{} is not what the table says: `UPDATE=1 cargo test -p valetkey-repo errors` writes it anew",
        errors::FILE
    );
}
