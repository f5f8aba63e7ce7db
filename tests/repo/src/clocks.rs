//! Who may look at the clock, and make random numbers.

use std::io;

use crate::House;

/// What clippy must refuse everywhere.
const REFUSED: &[&str] = &[
    "std::time::SystemTime::now",
    "std::time::Instant::now",
    "ring::rand::SystemRandom::new",
];
/// The lint, in two pieces so that this file does not name it.
const LINT: &str = concat!("clippy::disallowed", "_methods");
/// Who may switch it off, and for what.
const EXCEPTED: &[(&str, &str)] = &[
    (
        "broker/host/src/",
        "the ports `Clock` and `Entropy` are here",
    ),
    (
        "broker/sources/src/keys/pair.rs",
        "ring asks for a generator of its own to sign with ES256",
    ),
];

/// A sentence for everything that would let code tell the time behind the port's back.
///
/// # Errors
/// Where a file cannot be read.
pub fn check(house: &House) -> io::Result<Vec<String>> {
    let clippy: toml::Table = house
        .text("clippy.toml")?
        .parse()
        .map_err(io::Error::other)?;
    let mut wrong = unguarded(&clippy);
    let sources = house
        .files()
        .filter(|file| file.ends_with(".rs") && !file.split('/').any(|part| part == "tests"));
    for file in sources {
        let excepted = EXCEPTED.iter().any(|(place, _)| file.starts_with(place));
        if house.text(file)?.contains(LINT) && !excepted {
            wrong.push(format!(
                "{file} switches off {LINT}: time is the core `Clock` port, randomness the `Entropy` port"
            ));
        }
    }
    Ok(wrong)
}

fn unguarded(clippy: &toml::Table) -> Vec<String> {
    let methods = clippy
        .get("disallowed-methods")
        .and_then(toml::Value::as_array);
    let refused: Vec<_> = methods
        .into_iter()
        .flatten()
        .filter_map(|method| method.get("path")?.as_str())
        .collect();
    REFUSED
        .iter()
        .filter(|path| !refused.contains(path))
        .map(|path| format!("clippy.toml does not refuse {path}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{REFUSED, unguarded};

    #[test]
    fn a_missing_guard_is_found() {
        assert_eq!(unguarded(&toml::Table::new()).len(), REFUSED.len());
    }
}
