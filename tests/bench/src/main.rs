//! `make bench`: the broker against floors and peers, all measured in the same run.
//!
//! Bare microseconds say more about the machine than about us, so every value stands beside what it is
//! built on (`floors`) or what it competes with, taken in turns with it, and the aim is a ratio where
//! that is possible. One file of `rows` per row of the table.

mod floors;
mod place;
mod report;
mod rows;
mod stats;

use std::{env, error::Error, io::Write as _, process::ExitCode};

use report::Row;

/// What a measurement comes to.
type Measured<T> = Result<T, Box<dyn Error + Send + Sync>>;

type Measure = fn() -> Measured<Vec<Row>>;

const ROWS: &[(&str, Measure)] = &[
    ("memory", rows::memory::measure),
    ("token", rows::token::measure),
    ("approvals", rows::approvals::measure),
    ("throughput", rows::throughput::measure),
    ("scale", rows::scale::measure),
    ("process", rows::process::measure),
    ("revoke", rows::revoke::measure),
    ("keyring", rows::keyring::measure),
];

/// `valetkey-bench [ROW...]`; the two other forms are processes that it starts for itself.
fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match *words.as_slice() {
        ["serve-empty-calls", socket] => floors::call::serve(socket),
        ["read-secrets"] => rows::keyring::read_in_turns(),
        _ => measure(&words),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "valetkey-bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// A missed aim is a finding and not a failure: the table says so.
fn measure(wanted: &[&str]) -> Measured<()> {
    if let Some(unknown) = wanted
        .iter()
        .find(|name| !ROWS.iter().any(|(row, _)| row == *name))
    {
        return Err(format!("there is no row `{unknown}`").into());
    }
    let mut rows = Vec::new();
    for (name, measure) in ROWS {
        if wanted.is_empty() || wanted.contains(name) {
            report::progress(name)?;
            rows.extend(measure().map_err(|error| format!("{name}: {error}"))?);
        }
    }
    report::print(&rows)?;
    report::write(&rows)
}
