//! Whether `docs/dependencies.md` gives a reason for every crate of other people, and for no other.

use std::{collections::BTreeMap, io};

use crate::House;

/// Where the reasons are.
pub const FILE: &str = "docs/dependencies.md";

/// A sentence for every crate without a reason, every reason without a crate, and every crate that the
/// workspace names and nobody uses.
///
/// # Errors
/// Where the document cannot be read.
pub fn check(house: &House) -> io::Result<Vec<String>> {
    let named: BTreeMap<_, _> = house.third_parties().collect();
    let mut wrong = compare(&named, &house.text(FILE)?);
    for name in named.keys() {
        let manifests = house.manifests().iter();
        let mut used = manifests.flat_map(|manifest| &manifest.dependencies);
        if !used.any(|dependency| dependency.name == *name) {
            wrong.push(format!(
                "the workspace names {name} and no crate uses it: remove it"
            ));
        }
    }
    Ok(wrong)
}

fn compare(named: &BTreeMap<&str, &str>, document: &str) -> Vec<String> {
    let rows: BTreeMap<_, _> = document.lines().filter_map(row).collect();
    let mut wrong = Vec::new();
    for (name, version) in named {
        match rows.get(name) {
            None => wrong.push(format!("{FILE} has no row for {name}: why is it here?")),
            Some((documented, _)) if documented != version => wrong.push(format!(
                "{FILE} speaks of {name} {documented}, the workspace of {version}"
            )),
            Some((_, "")) => wrong.push(format!("{FILE} gives no reason for {name}")),
            Some(_) => {}
        }
    }
    let stale = rows.keys().filter(|name| !named.contains_key(*name));
    wrong.extend(stale.map(|name| format!("{FILE} has a row for {name}, which is not used")));
    wrong
}

/// Name, version and reason of a line such as ``| `ring` | 0.17 | because | instead of |``.
fn row(line: &str) -> Option<(&str, (&str, &str))> {
    let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
    let name = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
    Some((name, (cells.next()?, cells.next()?)))
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn what_is_missing_and_what_is_stale_is_found() {
        let named = [("ring", "0.17"), ("serde", "1")].into();
        let good =
            "| crate | version |\n|---|---|\n| `ring` | 0.17 | x | y |\n| `serde` | 1 | x | |\n";
        assert_eq!(compare(&named, good), Vec::<String>::new());
        for bad in [
            good.replace("serde", "toml"),
            good.replace("0.17", "0.16"),
            good.replace("| x | y |", "| | y |"),
            format!("{good}| `url` | 2 | x | y |\n"),
        ] {
            assert!(!compare(&named, &bad).is_empty(), "{bad}");
        }
    }
}
