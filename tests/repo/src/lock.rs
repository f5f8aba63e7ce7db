//! What must not be in the lock file.

use std::io;

use crate::House;

/// Other people's cryptography: ring is the one provider.
const BANNED: &[&str] = &[
    "aws-lc-fips-sys",
    "aws-lc-rs",
    "aws-lc-sys",
    "boring",
    "boring-sys",
    "native-tls",
    "openssl",
    "openssl-sys",
];

/// A sentence for every package that must not be there.
///
/// # Errors
/// Where the lock file cannot be read.
pub fn check(house: &House) -> io::Result<Vec<String>> {
    let lock: toml::Table = house
        .text("Cargo.lock")?
        .parse()
        .map_err(io::Error::other)?;
    Ok(banned(&lock))
}

fn banned(lock: &toml::Table) -> Vec<String> {
    let packages = lock.get("package").and_then(toml::Value::as_array);
    packages
        .into_iter()
        .flatten()
        .filter_map(|package| package.get("name")?.as_str())
        .filter(|name| BANNED.contains(name))
        .map(|name| format!("{name} is in Cargo.lock: ring is the one crypto provider; `cargo tree --workspace -i {name}` says who brings it"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::banned;

    #[test]
    fn another_provider_is_found() {
        let lock = "[[package]]\nname = \"ring\"\n[[package]]\nname = \"openssl-sys\"\n";
        assert_eq!(banned(&lock.parse().unwrap()).len(), 1);
    }
}
